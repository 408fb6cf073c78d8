/**
 * The table of all kinds of messages. Codec, inbox, dispatcher, budgets, fuzz tests and the table in
 * docs/PROTOCOL.md come from it.
 *
 * A new kind is one file that declares it, one line in {@linkcode messageKinds}, and the part that
 * deals with it where `UserPeer` names the parts.
 *
 * @module
 */

import { ack } from "./ack.ts";
import { follow, unfollow } from "./follow.ts";
import { hello } from "./hello.ts";
import type { MessageKind, Received } from "./kind.ts";
import { mention } from "./mention.ts";
import { posts } from "./posts.ts";
import { replies } from "./replies.ts";
import { spread } from "./spread.ts";
import { thread } from "./thread.ts";
import { want } from "./want.ts";

/** Every kind of message. */
export const messageKinds = [
  follow,
  unfollow,
  ack,
  hello,
  want,
  posts,
  spread,
  mention,
  thread,
  replies,
] as const;

/** What one of them declares. */
export type Declaration = (typeof messageKinds)[number];

/** The names of the kinds. */
export type KindName = Declaration["kind"];

/** What the kinds say, by their names. */
export type MessageBodyOf = { [D in Declaration as D["kind"]]: ReturnType<D["read"]> };

/** A message of one kind. */
export type MessageOf<K extends KindName> = { [N in K]: Received<N, MessageBodyOf[N]> }[K];

/** A message of any kind. */
export type Message = MessageOf<KindName>;

/** All of a union's members at once. */
export type Intersection<U> = (U extends unknown ? (member: U) => void : never) extends
  (all: infer I) => void ? I : never;

/** The parts of a peer that the handlers of all kinds need. */
export type HandlerParts = Intersection<Parameters<Declaration["handle"]>[1]>;

/** A declaration whose kind is known at run time only. */
export type AnyKind = MessageKind<KindName, MessageBodyOf[KindName], HandlerParts>;

const byName: ReadonlyMap<string, AnyKind> = new Map(
  messageKinds.map((declaration: AnyKind) => [declaration.kind, declaration]),
);

/** The declaration of a kind; undefined where there is no kind of that name. */
export function kindNamed(name: KindName): AnyKind;
/** The declaration of a kind that a sender names, if there is such a kind. */
export function kindNamed(name: string): AnyKind | undefined;
export function kindNamed(name: string): AnyKind | undefined {
  return byName.get(name);
}
