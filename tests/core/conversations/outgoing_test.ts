import assert from "node:assert/strict";
import { OutgoingMentions } from "../../../core/conversations/outgoing.ts";
import type { AckListener } from "../../../core/messages/messenger.ts";
import { toHex } from "../../../core/model/bytes.ts";
import { signPost } from "../../../core/model/post.ts";
import { composeSnowflake } from "../../../core/model/snowflake.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { MemoryStores } from "../../sim/memory_store.ts";
import { identityOf, userNamed } from "../../sim/users.ts";
import { TestMessenger, TestPeople, testSession } from "../doubles.ts";

/** A messenger whose acknowledgements a test gives. */
class AckingMessenger extends TestMessenger {
  readonly listeners = new Map<string, AckListener>();

  onAck(id: Uint8Array, listener: AckListener): () => void {
    this.listeners.set(toHex(id), listener);
    return () => {};
  }

  /** An `ack` of all that was sent. */
  ack(from: string, reason?: string): void {
    for (const listener of this.listeners.values()) listener(userNamed(from), reason, []);
  }
}

async function setUp() {
  const base = new VirtualClock();
  const clock = base.view();
  const store = await new MemoryStores().open("alice");
  const session = testSession({ clock, store });
  const messenger = new AckingMessenger();
  const people = new TestPeople();
  people.add("bob");
  const searches: number[] = [];
  const search = {
    found: [] as string[],
    /** A search ends no sooner. */
    until: Promise.resolve(),
    async ask() {
      searches.push(Math.round(clock.monotonic() / 1_000));
      await this.until;
      return this.found;
    },
  };
  const outgoing = new OutgoingMentions({ session, messenger, people, search });
  const id = composeSnowflake({ timeMs: clock.now(), device: 1, sequence: 0 });
  const content = { author: "alice", device: 1, number: 1, id, text: "@bob" };
  const post = signPost(content, identityOf("alice"));
  await store.addOwnPost(post, ["bob"]);
  outgoing.added(post, ["bob"]);
  return { base, session, store, messenger, people, search, searches, outgoing };
}

Deno.test("A mention ends with the receiver's acknowledgement, not with another's, nor with a reason", async () => {
  const { base, session, store, messenger, outgoing } = await setUp();
  await base.advance(100);
  messenger.ack("mallory");
  messenger.ack("bob", "unwanted");
  await base.advance(100);
  assert.equal(outgoing.size, 1);
  assert.equal((await store.conversations.pendingMentions()).length, 1);
  messenger.ack("bob");
  await base.advance(100);
  assert.equal(outgoing.size, 0);
  assert.deepEqual(await store.conversations.pendingMentions(), []);
  session.end();
});

Deno.test("Followers are looked for after 30 s at first, then less and less often, until three keep the mention", async () => {
  const { base, session, store, search, searches, outgoing } = await setUp();
  await base.advance(2 * 3_600_000);
  assert.equal(searches[0], 3);
  const pauses = searches.slice(1).map((at, i) => at - (searches[i] ?? 0));
  assert.ok(pauses.every((pause) => pause >= 30), `${searches}`);
  assert.ok(searches.length >= 4 && searches.length <= 9, `${searches}`);
  search.found = ["carol", "dave", "erin"];
  await base.advance(4 * 3_600_000);
  const [pending] = await store.conversations.pendingMentions();
  assert.deepEqual(pending?.holders, search.found);
  const count = searches.length;
  await base.advance(24 * 3_600_000);
  assert.equal(searches.length, count);
  assert.equal(outgoing.size, 1);
  session.end();
});

Deno.test("A name that is known now and then is not given up", async () => {
  const { base, session, people, outgoing } = await setUp();
  const find = people.find.bind(people);
  let isKnown = false;
  people.find = (username) => isKnown ? find(username) : Promise.resolve(undefined);
  people.isAbsent = () => !isKnown;
  for (let i = 0; i < 10; i++) {
    await base.advance(50 * 60_000);
    isKnown = true;
    await base.advance(10 * 60_000);
    isKnown = false;
  }
  assert.equal(outgoing.size, 1);
  await base.advance(2 * 3_600_000);
  assert.equal(outgoing.size, 0);
  session.end();
});

Deno.test("A user who says hello while followers are looked for gets the mention at once", async () => {
  const { base, session, messenger, search, searches, outgoing } = await setUp();
  const held = Promise.withResolvers<void>();
  search.until = held.promise;
  await base.advance(3_600_000);
  // The one search goes on all the time, and so do the repetitions.
  assert.deepEqual(searches, [3]);
  assert.ok(messenger.listeners.size > 10);
  const count = messenger.listeners.size;
  outgoing.send("bob");
  await base.advance(1);
  assert.equal(messenger.listeners.size, count + 1);
  held.resolve();
  await outgoing.settled();
  session.end();
});

Deno.test("A user who says hello while an acknowledgement is waited for gets the mention again, once a second", async () => {
  const { base, session, messenger, outgoing } = await setUp();
  await base.advance(10);
  assert.equal(messenger.listeners.size, 1);
  for (let i = 0; i < 10; i++) {
    outgoing.send("bob");
    await base.advance(100);
  }
  await base.advance(100);
  assert.equal(messenger.listeners.size, 2);
  session.end();
});
