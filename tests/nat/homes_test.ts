import assert from "node:assert/strict";
import type { StatusView } from "../../core/api.ts";
import { Lab, type Person, whyNot } from "./lab.ts";

const missing = await whyNot();

/** A test in a lab of its own; ignored, with the reason, where no lab can be built. */
function labTest(name: string, fn: (lab: Lab) => Promise<void>): void {
  Deno.test({
    name: missing === undefined ? name : `${name} (ignored: ${missing})`,
    ignore: missing !== undefined,
    fn: async () => {
      await using lab = await Lab.build();
      await fn(lab);
    },
  });
}

/** The reader follows the author: posts made before come, and one made now. */
async function followed(reader: Person, author: Person): Promise<void> {
  await author.json("post", `old of ${author.name}`);
  await reader.json("follow", author.name);
  await reader.receives(`old of ${author.name}`);
  await author.json("post", `new of ${author.name}`);
  await reader.receives(`new of ${author.name}`);
}

labTest("Two people at home talk, whatever their routers do", async (lab) => {
  await lab.node();
  const [[hers], [his]] = [await lab.home("cone"), await lab.home("symmetric")];
  assert.ok(hers && his);
  const [alice, bob] = await Promise.all([
    lab.person(hers, "alice").register(),
    lab.person(his, "bob").register(),
  ]);
  await Promise.all([alice.isReached("relayed"), bob.isReached("relayed")]);
  await followed(bob, alice);
  await followed(alice, bob);
  const { reach } = await bob.json<StatusView>("status");
  assert.equal(reach.relays, 1);
  assert.match(reach.outer_ip ?? "", /^31\.\d+\.7\.2$/);
});

labTest("Two people in one home reach each other there, without a relay", async (lab) => {
  const node = await lab.node();
  const [hers, his] = await lab.home("cone", 2);
  assert.ok(hers && his);
  const [alice, bob] = await Promise.all([
    lab.person(hers, "alice").register(),
    lab.person(his, "bob").register(),
  ]);
  await Promise.all([alice.isReached("relayed"), bob.isReached("relayed")]);
  await followed(bob, alice);
  // Without the only relay their posts still arrive: they went from machine to machine.
  await node.process?.stop("SIGKILL");
  await alice.json("post", "at home");
  await bob.receives("at home");
});

labTest(
  "When one of two relays is killed, the next post arrives through the other",
  async (lab) => {
    const relays = [await lab.node(), await lab.node()];
    const [[hers], [his]] = [await lab.home("cone"), await lab.home("cone")];
    assert.ok(hers && his);
    const [alice, bob] = await Promise.all([
      lab.person(hers, "alice").register(),
      lab.person(his, "bob").register(),
    ]);
    for (const person of [alice, bob]) {
      await person.process?.line((line) =>
        line.event === "reach" && line.state === "relayed" && line.relays === 2
      );
    }
    await followed(bob, alice);
    for (const [i, relay] of relays.entries()) {
      await relay.process?.stop("SIGKILL");
      if (i > 0) break;
      await alice.json("post", "after the first was killed");
      await bob.receives("after the first was killed");
    }
  },
);
