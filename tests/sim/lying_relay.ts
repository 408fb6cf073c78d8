/**
 * A peer that lies about others' posts: what it sends is changed on the way out and signed anew with
 * its own key, as a program of its owner's making would do.
 *
 * @module
 */

import type { Identity } from "../../core/model/identity.ts";
import type { MessageBodyOf, MessageOf } from "../../core/messages/kinds/mod.ts";
import { readFrame, readFrameBody, signMessage } from "../../core/messages/frame.ts";
import type { UserRef } from "../../core/model/user.ts";
import { readPost, signPost } from "../../core/model/post.ts";
import { readPrivate, unsealIdentity } from "../../core/accounts/seal.ts";
import type { FrameInTransit } from "./links_network.ts";
import { type SimMachine, simPassword, type SimWorld } from "./peers.ts";
import type { SeededRandom } from "./random.ts";

/** What a forged post says: none may ever be seen. */
export const forgedText = "forged";

type Posts = MessageBodyOf["posts"];

/** Changes what one machine sends. */
export class LyingRelay {
  readonly #identity: Identity;
  readonly #username: string;
  readonly #random: SeededRandom;
  /** Posts of anybody that it has sent, to replay under other names. */
  readonly #collected: Uint8Array[] = [];
  #lying = false;
  /** How often it lied. */
  lies = 0;

  private constructor(user: { username: string; identity: Identity }, random: SeededRandom) {
    this.#identity = user.identity;
    this.#username = user.username;
    this.#random = random;
  }

  /** Makes a liar of whoever is logged in on that machine; it is honest until told otherwise. */
  static async of(
    machine: SimMachine,
    world: SimWorld,
    random: SeededRandom,
  ): Promise<LyingRelay> {
    const { username } = await machine.peer.whoami();
    const sealed = await machine.keys.read(username);
    if (sealed === undefined) throw new Error(`Cannot make a liar of ${username}: no keys`);
    const identity = await unsealIdentity(readPrivate(sealed), simPassword, machine.keys);
    if (identity === undefined) {
      throw new Error(`Cannot make a liar of ${username}: wrong password`);
    }
    const relay = new LyingRelay({ username, identity }, random);
    const { onFrame } = world.links;
    world.links.onFrame = (transit) => {
      const frame = onFrame(transit);
      if (frame === undefined || transit.from.ip !== machine.ip) return frame;
      return relay.#change({ ...transit, frame });
    };
    return relay;
  }

  /** Begins or ends lying. */
  setLying(lying: boolean): void {
    this.#lying = lying;
  }

  #change({ frame }: FrameInTransit): Uint8Array {
    if (!this.#lying) return frame;
    const message = readFrameBody(readFrame(frame));
    if (message.kind !== "posts" || message.body.author.username === this.#username) return frame;
    this.lies++;
    return signMessage({ ...message, body: this.#lie(message) }, this.#identity);
  }

  #lie({ body: { more, ...body } }: MessageOf<"posts">): Posts {
    const steps = more === undefined ? {} : { more };
    for (const post of body.posts.slice(0, 10)) this.#collected.push(post);
    this.#collected.splice(0, this.#collected.length - 50);
    switch (this.#random.int(7)) {
      case 0:
        return { ...body, posts: [] };
      case 1:
        return { ...body, ...steps, posts: body.posts.filter(() => this.#random.chance(0.5)) };
      case 2:
        return { ...body, ...steps, posts: body.posts.map((post) => this.#flip(post)) };
      case 3:
        return {
          ...body,
          ...steps,
          posts: body.posts.map((post) => this.#forge(post, body.author)),
        };
      case 4:
        return {
          ...body,
          ...steps,
          heads: body.heads.map((head) => ({ ...head, head: head.head + 1_000 })),
        };
      case 5:
        return { ...body, heads: [], ...(more ? {} : { more: new Uint8Array(16) }) };
      default:
        return { ...body, ...steps, posts: this.#random.shuffle(this.#collected) };
    }
  }

  #flip(post: Uint8Array): Uint8Array {
    const changed = new Uint8Array(post);
    const at = this.#random.int(changed.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << this.#random.int(8));
    return changed;
  }

  /** The post with another text: signed by the liar under the author's name, or with the old signature's key. */
  #forge(bytes: Uint8Array, author: UserRef): Uint8Array {
    const { post } = readPost(bytes);
    const { device, number, id } = post;
    return signPost(
      { author: author.username, device, number, id, text: forgedText },
      this.#identity,
    )
      .signed;
  }
}
