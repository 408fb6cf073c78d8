import assert from "node:assert/strict";
import { CamelliaError } from "../../../core/model/errors.ts";
import { signFresh } from "../../../core/model/record_policy.ts";
import { wordsOfSeed } from "../../../core/model/recovery_words.ts";
import { zxcvbnJudge } from "../../../core/accounts/password_strength.ts";
import { readPrivate } from "../../../core/accounts/seal.ts";
import { changed, type Device, otherPassword, password, World } from "../accounts_world.ts";

// The dictionaries are loaded in real time, which the simulated one does not wait for.
await zxcvbnJudge.prepare();

/** The words of alice on a device. */
async function wordsOf(device: Device, word = password): Promise<string> {
  return (await device.accounts.recoveryWords({ username: "alice", password: word })).join(" ");
}

async function refusedWith(code: string, work: Promise<unknown>, message = /^Cannot /) {
  await assert.rejects(
    work,
    (error) => error instanceof CamelliaError && error.code === code && message.test(error.message),
  );
}

Deno.test("A lost password: the words open the account on a machine that never had it, and set another", async () => {
  const world = new World();
  const here = world.device();
  const first = await world.run(here.register("alice"));
  const words = await wordsOf(here);
  const before = world.network.peek("alice", "private");
  await first.session.close();

  const there = world.device();
  const recovery = { username: "Alice", words: words.toUpperCase(), password: otherPassword };
  const { session } = await world.run(there.accounts.recover(recovery));
  assert.deepEqual(session.self, first.session.self);
  await session.close();
  const sealed = world.network.peek("alice", "private");
  assert.ok(sealed && before && sealed.sequence > before.sequence);
  assert.deepEqual(await there.keys.read("alice"), sealed.value);
  await refusedWith(
    "wrong_password",
    world.run(here.login("alice")),
    /No one can reset a password/,
  );
  for (const device of [here, there, world.device()]) {
    await (await world.run(device.login("alice", otherPassword))).session.close();
  }
  assert.equal(await wordsOf(there, otherPassword), words, "the words stay the same");
});

Deno.test("Sealed keys dated ahead of the clock are superseded by a recovery", async () => {
  const world = new World();
  const here = world.device();
  const { session } = await world.run(here.register("alice"));
  const words = await wordsOf(here);
  const { body } = readPrivate(await here.keys.read("alice") ?? new Uint8Array());
  const now = world.clock.now();
  const content = { username: "alice", namespace: "private", sequence: now + 86_400_000 } as const;
  await world.run(here.directory.put(signFresh({ ...content, body }, now, session.identity)));
  await session.close();
  const recovery = { username: "alice", words, password: otherPassword };
  const there = world.device();
  await (await world.run(there.accounts.recover(recovery))).session.close();
  await (await world.run(world.device().login("alice", otherPassword))).session.close();
});

Deno.test("Attack: words of another account, and words that are wrong, recover nothing", async () => {
  const world = new World();
  const here = world.device();
  await (await world.run(here.register("alice"))).session.close();
  const sealed = await here.keys.read("alice");
  const words = (await wordsOfSeed(new Uint8Array(32).fill(9))).join(" ");
  const recover = (device: Device, changes = {}) =>
    world.run(
      device.accounts.recover({ username: "alice", words, password: otherPassword, ...changes }),
    );
  const there = world.device();
  await refusedWith("wrong_words", recover(there), /words of another account/);
  await refusedWith("wrong_words", recover(here), /words of another account/);
  await refusedWith("wrong_words", recover(there, { words: "zoo" }), /24 words/);
  await refusedWith("unknown_user", recover(there, { username: "nobody" }));
  const own = await wordsOf(here);
  await refusedWith("weak_password", recover(there, { words: own, password: "letmein" }));
  there.directory.reachable = false;
  await refusedWith("not_joined", recover(there, { words: own }));
  assert.deepEqual(await there.keys.list(), []);
  assert.deepEqual(await here.keys.read("alice"), sealed);
  assert.deepEqual(world.network.peek("alice", "private")?.value, sealed);
});

Deno.test("Without a network the words of an account of the folder set a password, published later", async () => {
  const world = new World();
  const here = world.device();
  await (await world.run(here.register("alice"))).session.close();
  const recovery = { username: "alice", words: await wordsOf(here), password: otherPassword };
  here.directory.reachable = false;
  const { session, records } = await world.run(here.accounts.recover(recovery));
  here.directory.reachable = true;
  await world.run(records.pull());
  await session.close();
  await (await world.run(world.device().login("alice", otherPassword))).session.close();
});

Deno.test("A recovery that too few nodes took says so, and is in force in the folder", async () => {
  const world = new World();
  const here = world.device();
  await (await world.run(here.register("alice"))).session.close();
  const words = await wordsOf(here);
  const there = world.device({
    directory: (directory) =>
      changed(directory, { put: () => Promise.resolve({ accepted: 1, refused: 3, asked: 4 }) }),
  });
  const recovery = { username: "alice", words, password: otherPassword };
  await (await world.run(there.accounts.recover(recovery))).session.close();
  const warned = there.events.flatMap((event) => event.event === "warning" ? [event.code] : []);
  assert.deepEqual(warned, ["too_few_holders"]);
  assert.ok(await wordsOf(there, otherPassword));
});

Deno.test("Keys that are kept local stay so when their words are used, on any machine", async () => {
  const world = new World();
  const here = world.device();
  const account = { username: "alice", password, localKeys: true };
  await (await world.run(here.accounts.register(account))).session.close();
  const recovery = { username: "alice", words: await wordsOf(here), password: otherPassword };
  for (const device of [here, world.device()]) {
    const { session, records } = await world.run(device.accounts.recover(recovery));
    await world.run(records.pull());
    assert.equal(world.network.peek("alice", "private"), undefined);
    await session.close();
  }
});

Deno.test("The words are shown for the password alone, and only where the keys are", async () => {
  const world = new World();
  const here = world.device();
  await (await world.run(here.register("alice"))).session.close();
  await refusedWith("wrong_password", wordsOf(here, otherPassword));
  await refusedWith("unknown_user", wordsOf(world.device()));
});
