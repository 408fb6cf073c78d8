import assert from "node:assert/strict";
import type { ReachView, StatusView } from "../../core/api.ts";
import { deriveCheaply } from "../e2e/harness.ts";
import { Lab, type Person, whyNot } from "./lab.ts";

deriveCheaply();

const missing = await whyNot();

/** Whether others connect to both addresses of a peer. */
function isReachedByBoth(line: unknown): boolean {
  const { addresses } = line as ReachView;
  return addresses.length === 2 && addresses.every(({ reached }) => reached);
}

/** The reader follows the author: posts made before come, and one made now. */
async function followed(reader: Person, author: Person): Promise<void> {
  const how = `of ${author.name} to ${reader.name}`;
  await author.json("post", `old ${how}`);
  await reader.json("follow", author.name);
  await reader.receives(`old ${how}`);
  await author.json("post", `new ${how}`);
  await reader.receives(`new ${how}`);
}

/**
 * Two public nodes that relay, a home with Alice and Anna, Bob's with a router of the other kind, and
 * Carol's, which has IPv6 alone, and Dora's, which lets no UDP out.
 */
Deno.test({
  name: `People at home talk, whatever their routers do${
    missing === undefined ? "" : ` (${missing})`
  }`,
  ignore: missing !== undefined,
  fn: async (t) => {
    await using lab = await Lab.build();
    const relays = [await lab.node(), await lab.node()];
    const [hers, annas] = await lab.home("cone", { machines: 2 });
    const [his] = await lab.home("symmetric");
    const [doras] = await lab.home("cone", { hasUdp: false });
    assert.ok(hers && annas && his && doras);
    await Promise.all(
      relays.map((node) =>
        node.process?.line((line) => line.event === "reach" && isReachedByBoth(line))
      ),
    );
    const [alice, bob, anna, carol, dora] = await Promise.all([
      lab.person(hers, "alice").register(),
      lab.person(his, "bob").register(),
      lab.person(annas, "anna").register(),
      lab.person(await lab.home6(), "carol").register(),
      lab.person(doras, "dora").register(),
    ]);

    await t.step("They know that relays reach them", async () => {
      for (const person of [alice, bob, anna, carol, dora]) {
        await person.process?.line((line) =>
          line.event === "reach" && line.state === "relayed" && line.relays === 2
        );
      }
      const { reach } = await bob.json<StatusView>("status");
      assert.match(reach.outer_ip ?? "", /^31\.\d+\.7\.2$/);
      const { reach: hers } = await carol.json<StatusView>("status");
      assert.match(hers.outer_ip ?? "", /^2a02:\d+::10$/);
    });

    await t.step("Two homes follow each other", async () => {
      await followed(bob, alice);
      await followed(alice, bob);
    });

    await t.step("A home with IPv6 alone and one with IPv4 alone follow each other", async () => {
      await followed(carol, alice);
      await followed(alice, carol);
    });

    await t.step(
      "A home whose router drops all UDP follows and is followed, and knows it",
      async () => {
        await Promise.all([followed(dora, alice), followed(bob, dora)]);
        await dora.process?.line((line) => line.event === "network" && line.carrier === "tcp");
        const { node } = await dora.json<StatusView>("status");
        assert.deepEqual([node.joined, node.carrier], [true, "tcp"]);
      },
    );

    await t.step("When a relay is killed, the next post arrives through the other", async () => {
      await relays[0]?.process?.stop("SIGKILL");
      await alice.json("post", "after the first was killed");
      await bob.receives("after the first was killed");
    });

    await t.step("Two machines of one home need no relay", async () => {
      await followed(anna, alice);
      await relays[1]?.process?.stop("SIGKILL");
      await alice.json("post", "at home");
      await anna.receives("at home");
    });
  },
});
