import assert from "node:assert/strict";
import type { MessageBodyOf } from "../../../core/messages/kinds/mod.ts";
import type { AckListener, PeerMessenger } from "../../../core/messages/messenger.ts";
import { readPost, signPost } from "../../../core/model/post.ts";
import { composeSnowflake } from "../../../core/model/snowflake.ts";
import type { UserRef } from "../../../core/model/user.ts";
import type { Lists, OwnRecords, People } from "../../../core/session/interfaces.ts";
import { PushQueue } from "../../../core/timeline/push_queue.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { identityOf, userNamed } from "../../sim/users.ts";
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

/** A queue of rose's, with what it sends; the links take what the test says. */
function setUp() {
  const clock = new VirtualClock();
  const session = testSession({
    username: "rose",
    clock: clock.view(),
    ports: { random: new SeededRandom(2) },
  });
  const sent: { at: number; to: string; numbers: number[]; devicesMax: number | undefined }[] = [];
  const answers = { devices: 1, full: 0 };
  /** What happens while a message is being sent. */
  const during = { sending: () => {} };
  const heard: { atMs?: number } = {};
  const refusals: string[] = [];
  const told: AckListener[] = [];
  const messenger = only<PeerMessenger>({
    heardAt: () => heard.atMs,
    onAck: (_id, listener) => {
      told.push(listener);
      return () => {};
    },
    send: ({ to, body, devicesMax, id }) => {
      const numbers = (body as MessageBodyOf["posts"]).posts
        .map((signed) => readPost(signed).post.number);
      sent.push({ at: clock.monotonic(), to: to.username, numbers, devicesMax });
      during.sending();
      return Promise.resolve({ id: id ?? new Uint8Array(16), ...answers });
    },
  });
  const queue = new PushQueue({
    people: only<People>({}),
    lists: only<Lists>({}),
    records: only<OwnRecords>({}),
    session,
    messenger,
    onRefusal: (from, reason, author) =>
      void refusals.push(`${from.username} ${reason} ${author.username}`),
  });
  const author = userNamed("author");
  const push = (to: UserRef, ...numbers: number[]) => {
    const posts = numbers.map((number) => {
      const id = composeSnowflake({
        timeMs: Math.floor(clock.now()) + number,
        device: 1,
        sequence: 0,
      });
      return signPost(
        { author: "author", device: 1, number, id, text: "hi" },
        identityOf("author"),
      );
    });
    queue.push(to, { author, posts, heads: [] });
  };
  return { clock, session, queue, push, sent, answers, during, heard, refusals, told };
}

const bob = userNamed("bob");

Deno.test("A full queue is tried four times, a tenth of a second apart", async () => {
  const { clock, queue, push, sent, answers } = setUp();
  Object.assign(answers, { devices: 0, full: 1 });
  push(bob, 1);
  await clock.advance(10_000);
  assert.deepEqual(sent.splice(0).map(({ at }) => at), [0, 100, 200, 300]);
  assert.equal(queue.isGone(bob), false);
  push(bob, 2);
  await clock.advance(150);
  Object.assign(answers, { devices: 1, full: 0 });
  await clock.advance(10_000);
  assert.equal(sent.length, 3);
});

Deno.test("A user without a device is left alone for half a minute, or until heard of", async () => {
  const { clock, queue, push, sent, answers, heard } = setUp();
  answers.devices = 0;
  push(bob, 1);
  await clock.advance(1);
  assert.equal(sent.splice(0).length, 1);
  push(bob, 2);
  await clock.advance(29_998);
  assert.deepEqual([sent.length, queue.isGone(bob)], [0, true]);
  await clock.advance(2);
  push(bob, 3);
  await clock.advance(1);
  assert.equal(sent.splice(0).length, 1);
  heard.atMs = clock.monotonic();
  push(bob, 4);
  await clock.advance(1);
  assert.equal(sent.length, 1);
});

Deno.test("A user who is heard while nothing can be sent there is not gone", async () => {
  const { clock, queue, push, answers, during, heard } = setUp();
  answers.devices = 0;
  during.sending = () => heard.atMs = clock.monotonic();
  push(bob, 1);
  await clock.advance(1);
  assert.equal(queue.isGone(bob), false);
});

Deno.test("Posts that come while others are on their way go together, 64 at most, to two devices", async () => {
  const { clock, session, push, sent } = setUp();
  const upTo = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const told = async () => {
    await clock.advance(10);
    return sent.splice(0).map(({ to, numbers, devicesMax }) => [to, numbers, devicesMax]);
  };
  push(bob, 1);
  push(bob, ...upTo(2, 35));
  push(bob, ...upTo(36, 65));
  assert.deepEqual(await told(), [["bob", [1], 2], ["bob", upTo(2, 65), 2]]);
  // With one more the oldest that came together are left out: the heads tell the user to fetch them.
  push(bob, 1);
  push(bob, ...upTo(2, 36));
  push(bob, ...upTo(37, 66));
  assert.deepEqual(await told(), [["bob", [1], 2], ["bob", upTo(37, 66), 2]]);
  push(bob, ...upTo(1, 70));
  assert.deepEqual(await told(), [["bob", upTo(7, 70), 2]]);
  push(session.self, 1);
  assert.deepEqual(await told(), [["rose", [1], Infinity]]);
  session.end();
  push(bob, 99);
  assert.deepEqual(await told(), []);
});

Deno.test("Who is told why posts are not taken is the author, and only by the user they went to", async () => {
  const { clock, push, refusals, told } = setUp();
  push(bob, 1);
  await clock.advance(1);
  const [listener] = told;
  listener?.(userNamed("mallory"), "unwanted", []);
  listener?.(bob, undefined, []);
  assert.deepEqual(refusals, []);
  listener?.(bob, "unwanted", []);
  assert.deepEqual(refusals, ["bob unwanted author"]);
});
