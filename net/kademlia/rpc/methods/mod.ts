/**
 * The table of all methods. The codec of requests, the responder and the tests with hostile datagrams
 * come from it, and docs/PROTOCOL.md is checked against it.
 *
 * A new method is one file that declares it, one entry here, and its handler in the responder.
 *
 * @module
 */
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

const all: readonly AnyMethod[] = Object.values(methods);

/** The method that a stranger names, if there is one. */
export function methodNamed(name: string): AnyMethod | undefined {
  // Among so few a walk is faster than a map, which would first have to hash the name.
  return all.find((method) => method.name === name);
}
