import assert from "node:assert/strict";
import type { MessageBodyOf } from "../../../core/messages/kinds/mod.ts";
import type { PeerMessenger } from "../../../core/messages/messenger.ts";
import { signPost } from "../../../core/model/post.ts";
import type { Lists, OwnRecords, People } from "../../../core/session/interfaces.ts";
import { PushQueue } from "../../../core/timeline/push_queue.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { identityOf } from "../../sim/users.ts";
import { only, testSession } from "../doubles.ts";

Deno.test("However many users posts wait for, they take 16 MiB", async () => {
  const clock = new VirtualClock();
  const gate = Promise.withResolvers<void>();
  let bytes = 0;
  const session = testSession({
    username: "relay",
    clock: clock.view(),
    ports: { random: new SeededRandom(1) },
  });
  const messenger = only<PeerMessenger>({
    heardAt: () => undefined,
    onAck: () => () => {},
    send: async ({ body, id }) => {
      const { posts } = body as MessageBodyOf["posts"];
      for (const post of posts) bytes += post.length;
      await gate.promise;
      return { id: id ?? new Uint8Array(16), devices: 1, full: 0 };
    },
  });
  const others = {
    people: only<People>({}),
    lists: only<Lists>({}),
    records: only<OwnRecords>({}),
  };
  const queue = new PushQueue({ ...others, session, messenger, onRefusal: () => {} });
  const identity = identityOf("author");
  const author = { username: "author", key: identity.publicKey };
  const text = "\u{1F99C}".repeat(500);
  const post = signPost({ author: "author", device: 1, number: 1, id: 1n, text }, identity);
  for (let i = 0; i < 8_000; i++) {
    const to = { username: `user${i}`, key: author.key };
    for (let n = 0; n < 8; n++) queue.push(to, { author, posts: [post], heads: [] });
  }
  await clock.advance(1_000);
  gate.resolve();
  await clock.drive(queue.idle());
  const mebibytes = bytes / 1_048_576;
  assert.ok(mebibytes > 15 && mebibytes < 20, `${mebibytes} MiB`);
  queue.push({ username: "next", key: author.key }, { author, posts: [post], heads: [] });
  await clock.drive(queue.idle());
  assert.equal(bytes / 1_048_576 > mebibytes, true, "there is room again");
});
