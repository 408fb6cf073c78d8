/**
 * A peer's database at work, to be killed: writes to its output what has been acknowledged.
 *
 * @module
 */

import { lastNumber } from "../../core/model/feed.ts";
import type { Store } from "../../core/ports.ts";
import { KvStores } from "../../storage/user_store.ts";
import { idAt, postAt, postsOf } from "./posts.ts";

const folder = Deno.args[0];
if (folder === undefined) throw new TypeError("Cannot run: no folder is named");

const encoder = new TextEncoder();

function tell(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

async function next(store: Store, author: string): Promise<number> {
  const [feed] = await store.feeds(author);
  return feed === undefined ? 1 : lastNumber(feed) + 1;
}

/** Own posts, one after another. */
async function publish(store: Store): Promise<void> {
  for (let number = await next(store, "alice");; number++) {
    await store.addOwnPost(postAt({ author: "alice", number }));
    tell(`own ${number}`);
  }
}

/** Another's posts, and the collector behind them. */
async function fetchAndCollect(store: Store): Promise<void> {
  for (let from = await next(store, "bob");; from += 350) {
    await store.addPosts("bob", postsOf("bob", from, from + 349));
    tell(`bob ${from + 349}`);
    await store.collect({ before: idAt(from, 0), keep: "alice", limit: 10_000 });
    tell(`collected ${from - 1}`);
  }
}

/** Followed and unfollowed again. */
async function followAndRemove(store: Store): Promise<void> {
  for (;;) {
    await store.addPosts("carol", postsOf("carol", 1, 400, 2));
    await store.setFloor(postAt({ author: "carol", number: 5, device: 3 }));
    await store.removeAuthor("carol");
  }
}

const store = await new KvStores(folder).open("alice");
await Promise.all([publish(store), fetchAndCollect(store), followAndRemove(store)]);
