import assert from "node:assert/strict";
import { SenderClaims } from "../../../core/messages/sender_claims.ts";
import type { Person } from "../../../core/session/interfaces.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { userNamed } from "../../sim/users.ts";
import { testSession } from "../doubles.ts";

const alice = userNamed("alice");

/** What the network says of alice from now on; `look` has a claim of hers checked. */
function setUp() {
  const clock = new VirtualClock();
  const network = { person: undefined as Person | undefined, isAbsent: true };
  let lookUps = 0;
  const claims = new SenderClaims(testSession({ clock: clock.view() }), {
    find: () => {
      lookUps++;
      return Promise.resolve(network.person);
    },
    isAbsent: () => network.isAbsent,
  });
  const look = async () => [await claims.check(alice), lookUps];
  return { clock, network, look };
}

function personOf(user: typeof alice): Person {
  return { ...user, pinned: false, otherKeys: [] };
}

Deno.test("A name that was not registered a moment ago is looked up again after five seconds", async () => {
  const { clock, network, look } = setUp();
  assert.deepEqual(await look(), [false, 1]);
  network.person = personOf(alice);
  await clock.advance(4_900);
  assert.deepEqual(await look(), [false, 1]);
  await clock.advance(200);
  assert.deepEqual(await look(), [true, 2]);
  await clock.advance(500_000);
  assert.deepEqual(await look(), [true, 2]);
});

Deno.test("A name that is another key's is not looked up again for half a minute", async () => {
  const { clock, network, look } = setUp();
  network.person = personOf({ ...alice, key: userNamed("mallory").key });
  assert.deepEqual(await look(), [false, 1]);
  network.person = personOf(alice);
  await clock.advance(29_900);
  assert.deepEqual(await look(), [false, 1]);
  await clock.advance(200);
  assert.deepEqual(await look(), [true, 2]);
});

Deno.test("Where the network is silent about a name, the next message asks again", async () => {
  const { network, look } = setUp();
  network.isAbsent = false;
  assert.deepEqual(await look(), [false, 1]);
  network.person = personOf(alice);
  assert.deepEqual(await look(), [true, 2]);
});
