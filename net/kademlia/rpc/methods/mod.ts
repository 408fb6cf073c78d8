/**
 * The table of all methods. The codec of requests, the responder and the tests with hostile datagrams
 * come from it, and docs/PROTOCOL.md is checked against it.
 *
 * A new method is one file that declares it, one entry here, and its handler in the responder.
 *
 * @module
 */
import type { Reader } from "../../../../lib/msgpack_reader.ts";
import { Writer } from "../../../../lib/msgpack_writer.ts";
import { dialBack } from "./dial_back.ts";
import { findNode } from "./find_node.ts";
import { findValue } from "./find_value.ts";
import { leave } from "./leave.ts";
import type { Method } from "./method.ts";
import { ping } from "./ping.ts";
import { relay } from "./relay.ts";
import { sample } from "./sample.ts";
import { store } from "./store.ts";
import { stun } from "./stun.ts";

const table = {
  ping,
  store,
  find_node: findNode,
  find_value: findValue,
  stun,
  sample,
  dial_back: dialBack,
  relay,
  leave,
};

/** The names of the methods on the wire. */
export type MethodName = keyof typeof table;

/** What requests of each method say. */
export type ArgumentsOf = {
  readonly [N in MethodName]: ReturnType<(typeof table)[N]["readArguments"]>;
};

/** What each method is answered with. */
export type AnswerOf = {
  readonly [N in MethodName]: ReturnType<(typeof table)[N]["readAnswer"]>;
};

/** Every method, by its name. */
export const methods: { readonly [N in MethodName]: Method<N, ArgumentsOf[N], AnswerOf[N]> } =
  table;

/** A method whose name is known at run time only. */
export type AnyMethod = (typeof methods)[MethodName];

/** The methods, each with its name as nodes write it. */
const all = Object.values(methods).map((method: AnyMethod) => {
  const w = new Writer(32);
  w.string(method.name);
  return { method, name: w.take() };
});

/** Reads the name of a method; undefined where there is none of that name. */
export function readMethod(r: Reader): AnyMethod | undefined {
  // Bytes are compared, because every request has such a name: a text would have to be made of it first.
  for (const { method, name } of all) if (r.passes(name)) return method;
  // Any form of a text will do, though nodes write the shortest.
  const name = r.string(16);
  return all.find(({ method }) => method.name === name)?.method;
}
