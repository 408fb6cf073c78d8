/**
 * What the benches of the full screen and of the page share: a user with many posts, and the way to the peer.
 *
 * @module
 */

import { join } from "node:path";
import { KvStores } from "../storage/user_store.ts";
import type { User } from "../tests/e2e/harness.ts";
import { postAt } from "../tests/storage/posts.ts";
import { LoopbackClient } from "../ui/peer/loopback_client.ts";
import { parsePortFile, portFileName } from "../ui/peer/loopback_protocol.ts";

const authors = Array.from({ length: 20 }, (_, i) => `author_${String(i).padStart(2, "0")}`);

/** Posts of one author stored at once. */
const stepLength = 2_500;

/** Seconds between two posts of an author. */
const spacing = 40;

/** When the tests' posts begin. */
const startMs = Date.UTC(2026, 0, 1);

/** Stores posts in the database of a user whose peer does not run. */
export async function fill(user: User, count: number): Promise<void> {
  const store = await new KvStores(user.data).open(user.name);
  const each = Math.floor(count / authors.length);
  const now = Math.floor((Date.now() - startMs) / 1000);
  for (let from = 1; from <= each; from += stepLength) {
    for (const [index, author] of authors.entries()) {
      const to = Math.min(each, from + stepLength - 1);
      const posts = Array.from({ length: to - from + 1 }, (_, i) => {
        const number = from + i;
        const second = now - 60 - spacing * (each - number) - index;
        const text = `Post ${number} of ${author}: some words, a link https://a.example/${number}`;
        return postAt({ author, number, device: index + 1, second, text });
      });
      await store.addPosts(author, posts);
    }
  }
  await store.close();
}

/** A client of a user's running peer. */
export async function clientOf(user: User): Promise<LoopbackClient> {
  const port = parsePortFile(await Deno.readTextFile(join(user.data, portFileName)));
  if (port === undefined) throw new Error("no peer runs");
  return new LoopbackClient(port);
}
