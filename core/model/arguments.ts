/**
 * Readers of arguments: each takes one out of parsed JSON, which may come from anywhere, and refuses what
 * is not as it should be.
 *
 * @module
 */

import { CamelliaError } from "./errors.ts";

/** Takes an argument out of parsed JSON, which may come from anywhere; `name` is what a complaint calls it. */
export type Reader<T> = (json: unknown, name: string) => T;

function wrong(name: string, expected: string): CamelliaError {
  return new CamelliaError("invalid_argument", `Cannot do that: ${name} is not ${expected}`);
}

/** No argument. */
export const nothing: Reader<void> = () => {};

/** A text of at most so many UTF-16 units. */
export function text(lengthMax: number): Reader<string> {
  return (json, name) => {
    if (typeof json === "string" && json.length <= lengthMax) return json;
    throw wrong(name, `a text of at most ${lengthMax} characters`);
  };
}

/** A whole number in a range. */
export function integer(min: number, max: number): Reader<number> {
  return (json, name) => {
    if (typeof json === "number" && Number.isInteger(json) && json >= min && json <= max) {
      return json;
    }
    throw wrong(name, `a whole number from ${min} to ${max}`);
  };
}

/** True or false. */
export const flag: Reader<boolean> = (json, name): boolean => {
  if (typeof json === "boolean") return json;
  throw wrong(name, "true or false");
};

/** One of some words. */
export function oneOf<T extends string>(...words: readonly T[]): Reader<T> {
  return (json, name) => {
    const word = words.find((word) => word === json);
    if (word !== undefined) return word;
    throw wrong(name, words.join(" or "));
  };
}

/** Bytes, in base64. */
export const bytes: Reader<Uint8Array> = (json, name): Uint8Array => {
  try {
    return Uint8Array.fromBase64(json as string);
  } catch {
    throw wrong(name, "in base64");
  }
};

/** A list of at most so many. */
export function listOf<T>(read: Reader<T>, lengthMax: number): Reader<readonly T[]> {
  return (json, name) => {
    if (!Array.isArray(json) || json.length > lengthMax) {
      throw wrong(name, `a list of at most ${lengthMax}`);
    }
    return json.map((item) => read(item, name));
  };
}

/** An argument that may be missing or null. */
export function optional<T>(read: Reader<T>): Reader<T | undefined> {
  return (json, name) => json === undefined || json === null ? undefined : read(json, name);
}

/** The values that are not undefined. */
export type Given<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

/** Leaves out what is undefined, because optional properties must not be undefined. */
export function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Given<T>;
}

/** An object with these fields. Others are left out, and so are those that are undefined. */
export function fields<T extends object>(
  readers: NoInfer<{ readonly [Name in keyof T]-?: Reader<T[Name]> }>,
): Reader<T> {
  return (json, name) => {
    if (typeof json !== "object" || json === null) throw wrong(name, "an object");
    const read = Object.entries<Reader<unknown>>(readers).map(([field, reader]) => {
      const own = Object.getOwnPropertyDescriptor(json, field)?.value;
      return [field, reader(own, field)] as const;
    });
    return given(Object.fromEntries(read)) as T;
  };
}
