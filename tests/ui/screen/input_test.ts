import assert from "node:assert/strict";
import fc from "fast-check";
import { type InputEvent, pasteLengthMax, TerminalInput } from "../../../ui/screen/input.ts";

/** What some pieces mean. */
function read(...pieces: string[]): InputEvent[] {
  const events: InputEvent[] = [];
  const input = new TerminalInput((event) => events.push(event));
  for (const piece of pieces) input.feed(piece);
  input.close();
  return events;
}

function keys(...pieces: string[]): string[] {
  return read(...pieces).map((event) => event.kind === "key" ? event.key : event.kind);
}

Deno.test("Letters, control keys and keys of the keyboard have names", () => {
  assert.deepEqual(keys("j", "G", "?", " ", "\r", "\n", "\t", "\x7f", "\x03", "\x1a", "\x13"), [
    ...[
      "j",
      "G",
      "?",
      "space",
      "enter",
      "ctrl+j",
      "tab",
      "backspace",
      "ctrl+c",
      "ctrl+z",
      "ctrl+s",
    ],
  ]);
  assert.deepEqual(keys("\x1b[A", "\x1bOB", "\x1b[5~", "\x1b[1~", "\x1b[4~", "\x1b\r"), [
    ...["up", "down", "pageUp", "home", "end", "alt+enter"],
  ]);
});

Deno.test("A letter of any script is typed whole, also where its halves come apart", () => {
  for (const letter of ["é", "字", "👍", "𝒳"]) {
    assert.deepEqual(read(letter), [{ kind: "key", key: letter, text: letter }]);
  }
  assert.deepEqual(keys("\ud83d", "\udc4d"), ["👍"]);
});

Deno.test("The wheel and clicks have a place; releases and other buttons mean nothing", () => {
  assert.deepEqual(
    read("\x1b[<64;10;5M", "\x1b[<65;1;1M", "\x1b[<0;3;4M", "\x1b[<0;3;4m", "\x1b[<2;3;4M"),
    [
      { kind: "mouse", what: "up", column: 9, row: 4 },
      { kind: "mouse", what: "down", column: 0, row: 0 },
      { kind: "mouse", what: "click", column: 2, row: 3 },
    ],
  );
});

Deno.test("A paste is one event, however it is cut into pieces, and keys around it are keys", () => {
  const text = "two\rlines\x1b[A q";
  const sent = `j\x1b[200~${text}\x1b[201~k`;
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(sent.length), { maxLength: 8 }), (cuts) => {
      // An ESC alone waits for more; a piece that ends with one would be another test.
      const places = [0, ...cuts.sort((a, b) => a - b), sent.length];
      const pieces = places.slice(1).map((end, i) => sent.slice(places[i], end));
      assert.deepEqual(read(...pieces), [
        { kind: "key", key: "j", text: "j" },
        { kind: "paste", text, length: text.length },
        { kind: "key", key: "k", text: "k" },
      ]);
    }),
    { numRuns: 50 },
  );
});

Deno.test("Of 2 MB that are pasted the beginning is kept, in time that grows with the length alone", () => {
  const text = `${"a".repeat(70)}\r`.repeat(28_572);
  const sent = `\x1b[200~${text}\x1b[201~`;
  const pieces = Array.from(
    { length: Math.ceil(sent.length / 4095) },
    (_, i) => sent.slice(4095 * i, 4095 * (i + 1)),
  );
  const began = performance.now();
  const [event] = read(...pieces);
  const tookMs = performance.now() - began;
  assert.ok(event?.kind === "paste");
  assert.equal(event.text, text.slice(0, pasteLengthMax));
  assert.equal(event.length, text.length);
  // Some 10 ms; the library's own way takes 1,500.
  assert.ok(tookMs < 700, `${tookMs} ms`);
});

Deno.test("Whatever a terminal sends, no key has a control character in its text", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 12 })), (pieces) => {
      for (const event of read(...pieces)) {
        if (event.kind === "key") assert.doesNotMatch(event.text ?? "", /\p{Cc}|\p{Cs}/u);
      }
    }),
    { numRuns: 50 },
  );
});
