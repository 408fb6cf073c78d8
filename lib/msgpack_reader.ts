/**
 * Reads MessagePack one value after another, strictly and without throwing.
 *
 * The reader allocates nothing that the input has not paid for with bytes: an array's header may
 * announce 4,000,000,000 entries, but each must then come. So time and memory are linear in the input,
 * and {@linkcode DecodeLimits} bound them further.
 *
 * @module
 */

/** How large a value of any shape may be. */
export interface DecodeLimits {
  /** Bytes of the whole input. */
  readonly maxBytes: number;
  /** Entries of one array. */
  readonly maxArrayLength: number;
  /** Pairs of one map; absent: maps are refused. */
  readonly maxMapLength?: number;
  /** Arrays and maps within each other, the outermost counted; default 16. */
  readonly maxDepth?: number;
  /** Values of any kind, arrays counted too, and arrays by what their headers announce; default: any number. */
  readonly maxValues?: number;
}

/** So many first bytes that no number follows. */
function alone(count: number): number[] {
  return Array.from({ length: count }, () => 0);
}

/** The kinds of the first bytes from 0x00 to 0xff, and how many bytes of a number follow each. */
const forms = [
  ["int", alone(128)],
  ["map", alone(16)],
  ["array", alone(16)],
  ["text", alone(32)],
  ["nil", [0]],
  ["none", [0]],
  ["bool", [0, 0]],
  ["bin", [1, 2, 4]],
  ["none", alone(3)], // Extensions, as are the five below.
  ["float", [4, 8]],
  ["int", [1, 2, 4, 8]],
  ["signed", [1, 2, 4, 8]],
  ["none", alone(5)],
  ["text", [1, 2, 4]],
  ["array", [2, 4]],
  ["map", [2, 4]],
  ["int", alone(32)],
] as const;

/** Kinds of values; `none` are extensions and the byte that MessagePack never uses. */
type Kind = (typeof forms)[number][0];

const kinds = forms.flatMap(([kind, sizes]): Kind[] => sizes.map(() => kind));
const sizes = Uint8Array.from(forms.flatMap(([, sizes]) => sizes));

/** The numbers that first bytes stand for by themselves; an integer is its own first byte, with a sign. */
const numbers = Int8Array.from(kinds, (kind, first) => {
  if (kind === "int") return first;
  return first & (kind === "text" ? 0x1f : kind === "bool" ? 0x01 : 0x0f);
});

/** Bytes of the whole value where its first byte tells them, else 0. */
const wholes = Uint8Array.from(kinds, (kind, first) => {
  const size = sizes[first] ?? 0;
  if (kind === "text" && size === 0) return 1 + (numbers[first] ?? 0);
  return ["text", "bin", "array", "map", "none"].includes(kind) ? 0 : 1 + size;
});

/** The first byte that no value has. */
const neverUsed = 0xc1;

/** The deepest of our values, feed states within a message, takes six. */
const depthDefault = 16;

/** Strings of up to this many bytes are made character by character where they are ASCII. */
const shortText = 32;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const eightBytes = new DataView(new ArrayBuffer(8));
const tooEarly = "it ends too early";
const nothing = new Uint8Array(0);

/**
 * Reads one value after another. What does not fit sets {@linkcode Reader.failure} and yields an empty
 * value from then on; the caller checks once at the end.
 */
export class Reader {
  /** What is read. */
  readonly bytes: Uint8Array;
  #at: number;
  #failure: string | undefined;

  /** Starts at the offset `at`. */
  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.#at = at;
  }

  /** Where the next value begins; at the end, or after a failure, the length of the input. */
  get at(): number {
    return this.#at;
  }

  /** Why the input was refused; undefined as long as everything was what the caller asked for. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Whether anything so far was not what the caller asked for. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Whether everything was read, and well. */
  finished(): boolean {
    return this.#failure === undefined && this.#at === this.bytes.length;
  }

  /** Marks the input as bad; the first reason stays. */
  fail(why = "it is not what was expected"): void {
    this.#failure ??= why;
    this.#at = this.bytes.length;
  }

  /** Passes over so many bytes, which the caller has looked at itself. */
  pass(length: number): void {
    this.#pass(length);
  }

  /** Passes over the next bytes if they are these; whether they are. */
  passes(expected: Uint8Array): boolean {
    const start = this.#at;
    for (let i = 0; i < expected.length; i++) {
      if (this.bytes[start + i] !== expected[i]) return false;
    }
    this.#at = start + expected.length;
    return true;
  }

  /** The kind of the next value, such as `"bin"` or `"array"`; `"none"` at the end. */
  peek(): string {
    return kinds[this.#first()] ?? "none";
  }

  /** The length of an array of at most `max` items. */
  array(max: number): number {
    return this.#ofKind("array", max);
  }

  /** The length of a map of at most `max` pairs. */
  map(max: number): number {
    return this.#ofKind("map", max);
  }

  /** A byte array of at most `max` bytes, as a view. */
  bin(max: number): Uint8Array {
    return this.#take(this.#ofKind("bin", max));
  }

  /** Takes a byte array of exactly `length` bytes and returns where its content starts. */
  fixedBin(length: number): number {
    return this.#pass(this.#ofKind("bin", length) === length ? length : Infinity);
  }

  /** A string of at most `max` bytes. */
  string(max: number): string {
    return this.#text(this.#ofKind("text", max));
  }

  /** A whole number from 0 to 2^53 - 1. */
  uint(): number {
    const number = this.#ofKind("int", Number.MAX_SAFE_INTEGER);
    if (number >= 0) return number;
    this.fail();
    return 0;
  }

  /** True or false. */
  bool(): boolean {
    return this.#ofKind("bool", 1) === 1;
  }

  /** Takes a string, number, boolean or nil, and returns its whole encoding of at most `max` bytes. */
  scalar(max: number): Uint8Array {
    const start = this.#at;
    const first = this.#first();
    const kind = kinds[first];
    const number = this.#number(first);
    if (kind === "text") this.#text(number);
    else if (kind === "array" || kind === "map" || kind === "bin") this.fail();
    if (this.#at - start > max) this.fail();
    return this.failed ? nothing : this.bytes.subarray(start, this.#at);
  }

  /**
   * Passes over any one value but extensions, without allocating anything for it. Maps count like arrays,
   * and strings may be of any bytes.
   */
  skip(limits: Pick<DecodeLimits, "maxDepth" | "maxValues">): void {
    const { maxDepth = depthDefault, maxValues = Infinity } = limits;
    /** Values still to come in each array that is open besides the innermost, which has `left`. */
    const open: number[] = [];
    let announced = 1;
    const { bytes } = this;
    for (let left = 1; this.#failure === undefined;) {
      if (left === 0) {
        const outer = open.pop();
        if (outer === undefined) return;
        left = outer;
        continue;
      }
      left--;
      const first = bytes[this.#at] ?? neverUsed;
      const whole = wholes[first] ?? 0;
      if (whole > 0) {
        this.#pass(whole);
        continue;
      }
      const kind = kinds[first];
      const number = this.#number(first);
      if (kind === "array" || kind === "map") {
        const length = kind === "map" ? 2 * number : number;
        announced += length;
        if (announced > maxValues) this.fail(`it holds more than ${maxValues} values`);
        if (open.push(left) > maxDepth) this.fail(`it is nested deeper than ${maxDepth}`);
        left = length;
      } else this.#pass(number);
    }
  }

  /**
   * Any one value of nil, booleans, integers, strings, byte arrays and arrays; extensions and floats
   * fail. Maps fail where the limits allow none, and else come as `Map`; their keys are strings, each once.
   * Integers beyond 2^53 come as bigints, byte arrays as views of the input.
   */
  value(limits: DecodeLimits): unknown {
    const start = this.#at;
    const length = this.bytes.length - start;
    if (length > limits.maxBytes) {
      this.fail(`${length} bytes are more than the ${limits.maxBytes} allowed`);
    } else if (length > (limits.maxValues ?? Infinity)) {
      // A value takes at least one byte, so only a longer input can hold too many.
      this.skip(limits);
      if (!this.failed) this.#at = start;
    }
    return this.#value(limits, 1);
  }

  /** `depth` is that of an array that comes next. */
  #value(limits: DecodeLimits, depth: number): unknown {
    const first = this.#first();
    const kind = kinds[first];
    const size = sizes[first] ?? 0;
    const number = this.#number(first);
    switch (kind) {
      case "int":
        return size === 8 ? this.#wide(number, false) : number;
      case "signed":
        return size === 8 ? this.#wide(number, true) : number << 32 - 8 * size >> 32 - 8 * size;
      case "text":
        return this.#text(number);
      case "bin":
        return this.#take(number);
      case "array":
        return this.#array(number, limits, depth);
      case "map":
        return this.#map(number, limits, depth);
      case "bool":
        return number === 1;
      case "nil":
        return null;
      default:
        return this.fail(`a ${kind} is not expected`);
    }
  }

  #map(length: number, limits: DecodeLimits, depth: number): Map<string, unknown> {
    const { maxMapLength } = limits;
    if (maxMapLength === undefined) this.fail("a map is not expected");
    else if (length > maxMapLength) this.fail(`a map has ${length} pairs`);
    else this.#checkRoom(2 * length, limits, depth);
    const pairs = new Map<string, unknown>();
    for (let i = 0; i < length && !this.failed; i++) {
      const key = this.string(this.bytes.length);
      if (pairs.has(key)) this.fail("a map has a key twice");
      pairs.set(key, this.#value(limits, depth + 1));
    }
    return pairs;
  }

  /** Fails where so many values cannot follow, or must not at this depth. */
  #checkRoom(length: number, { maxDepth = depthDefault }: DecodeLimits, depth: number): void {
    if (length > this.bytes.length - this.#at) this.fail(tooEarly);
    else if (depth > maxDepth) this.fail(`it is nested deeper than ${depth - 1}`);
  }

  #array(length: number, limits: DecodeLimits, depth: number): unknown[] {
    if (length > limits.maxArrayLength) this.fail(`an array has ${length} entries`);
    else this.#checkRoom(length, limits, depth);
    const values: unknown[] = [];
    for (let i = 0; i < length && !this.failed; i++) values.push(this.#value(limits, depth + 1));
    return values;
  }

  #first(): number {
    return this.bytes[this.#at] ?? neverUsed;
  }

  /** Takes the first byte of a value and the number in or behind it: a length, or the value itself. */
  #number(first: number): number {
    const size = sizes[first] ?? 0;
    let at = this.#at + 1;
    const end = at + size;
    if (end > this.bytes.length) this.fail(tooEarly);
    else if (kinds[first] === "none") this.fail(`type ${first} is not expected`);
    if (this.failed) return 0;
    this.#at = end;
    if (size === 0) return numbers[first] ?? 0;
    let number = 0;
    while (at < end) number = number * 256 + (this.bytes[at++] ?? 0);
    return number;
  }

  /** The number of a value of this kind, at most `max`; 0 where another comes. */
  #ofKind(kind: Kind, max: number): number {
    const first = this.#first();
    const number = this.#number(first);
    if (kinds[first] === kind && number <= max && !this.failed) return number;
    this.fail();
    return 0;
  }

  /** Passes over the next bytes and returns where they begin. */
  #pass(length: number): number {
    const start = this.#at;
    if (length > this.bytes.length - start) this.fail(tooEarly);
    else this.#at = start + length;
    return start;
  }

  /** A view of the next bytes. */
  #take(length: number): Uint8Array {
    const start = this.#pass(length);
    return this.failed ? nothing : this.bytes.subarray(start, this.#at);
  }

  /** The integer in the last eight bytes; `number` is what they are worth without a sign, rounded. */
  #wide(number: number, signed: boolean): number | bigint {
    if (Number.isSafeInteger(number)) return number;
    for (let i = 0; i < 8; i++) eightBytes.setUint8(i, this.bytes[this.#at - 8 + i] ?? 0);
    if (!signed) return eightBytes.getBigUint64(0);
    const value = eightBytes.getBigInt64(0);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #text(length: number): string {
    const end = this.#at + length;
    if (length <= shortText && end <= this.bytes.length) {
      let text = "";
      let at = this.#at;
      for (; at < end; at++) {
        const byte = this.bytes[at] ?? 0;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (at === end) {
        this.#at = end;
        return text;
      }
    }
    try {
      return utf8.decode(this.#take(length));
    } catch {
      this.fail("a string is not UTF-8");
      return "";
    }
  }
}
