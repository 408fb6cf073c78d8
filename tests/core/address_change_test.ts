import assert from "node:assert/strict";
import { readFrame } from "../../core/messages/frame.ts";
import { type SimMachine, SimWorld } from "../sim/peers.ts";

/** Counts the greetings that a machine gets from the other. */
function countGreetings(world: SimWorld, from: SimMachine, to: SimMachine): () => number {
  let count = 0;
  world.links.onFrame = (transit) => {
    const isBetween = transit.from.ip === from.ip && transit.to.ip === to.ip;
    if (isBetween && readFrame(transit.frame).kind === "hello") count++;
    return transit.frame;
  };
  return () => count;
}

Deno.test("A device that gets another address greets followers and followed users again, once", async () => {
  const world = new SimWorld({ seed: 11 });
  const [alice, bob] = await world.register("alice", "bob");
  assert.ok(alice && bob);
  await world.run(bob.peer.follow({ username: "alice" }));
  await world.run(alice.peer.follow({ username: "bob" }));
  await world.clock.advance(10_000);
  const greetings = countGreetings(world, alice, bob);
  alice.move();
  // The outer address is looked at every 30 s.
  await world.clock.advance(32_000);
  assert.equal(greetings(), 1);

  // Bob knows it from the greeting: the network is not needed to reach Alice.
  bob.directory.reachable = false;
  await world.run(bob.peer.post({ text: "to the new address" }));
  await world.clock.advance(1_000);
  assert.deepEqual(await alice.texts(), ["to the new address"]);
  bob.directory.reachable = true;
  await world.clock.advance(1_200_000);
  assert.equal(greetings(), 1, "an address that stays is not told again");
  await world.stop();
});

Deno.test("A device that was logged in before the network knew its address greets once it does", async () => {
  const world = new SimWorld({ seed: 12 });
  const [alice, bob] = await world.register("alice", "bob");
  assert.ok(alice && bob);
  await world.run(bob.peer.follow({ username: "alice" }));
  await world.run(alice.stop());
  alice.directory.reachable = false;
  await world.run(alice.start());
  await world.run(alice.login());
  await world.clock.advance(30_000);
  const greetings = countGreetings(world, alice, bob);
  alice.directory.reachable = true;
  await world.clock.advance(120_000);
  assert.equal(greetings(), 1);
  await world.stop();
});
