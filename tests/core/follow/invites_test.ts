import assert from "node:assert/strict";
import { Invites } from "../../../core/follow/invites.ts";
import { readInvite } from "../../../core/model/invite.ts";
import type { Directory, OuterPlace, Reach, ReachStatus } from "../../../core/ports.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { only, testSession } from "../doubles.ts";

const contact = { ip: "203.0.113.1", port: 9_000 };

/** A peer of which others know this; `state` may change while the invite is made. */
function setUp(
  {
    state = "direct",
    places = [],
    addresses,
    local = [],
    contacts = [contact],
    joined = true,
  }: {
    state?: ReachStatus["state"];
    places?: readonly OuterPlace[];
    addresses: readonly string[];
    local?: readonly string[];
    contacts?: readonly (typeof contact)[];
    joined?: boolean;
  },
) {
  const base = new VirtualClock();
  const status: { state: ReachStatus["state"] } = { state };
  const listeners = new Set<(status: ReachStatus) => void>();
  const asked = { times: 0 };
  const reach: Reach = {
    status: () => ({ ...status, relays: 0, places }),
    addresses: () => {
      asked.times++;
      return Promise.resolve([...addresses]);
    },
    local: () => [...local],
    onChange: (fn) => {
      listeners.add(fn);
      return () => listeners.delete(fn);
    },
  };
  const directory = only<Directory>({
    entrances: () => [...contacts],
    status: () => ({
      nodeId: "",
      contacts: contacts.length,
      records: 0,
      udp: { ip: "::", port: 8_000 },
      outerIps: [],
      joined,
    }),
  });
  const session = testSession({ clock: base.view(), ports: { reach, directory } });
  const follows = { followBack: () => Promise.resolve(true) };
  const invites = new Invites({ session, follows });
  const become = (next: ReachStatus["state"]) => {
    status.state = next;
    for (const listener of listeners) listener(reach.status());
  };
  const nodesOf = async () => {
    const { invite, reach } = await base.drive(invites.make({}), 10_000);
    return [reach, ...readInvite(invite).nodes.map(({ ip, port }) => `${ip} ${port}`)];
  };
  return { base, invites, become, nodesOf, listeners, asked };
}

Deno.test("An invite asks once for the own addresses, which may take seconds", async () => {
  const { nodesOf, asked } = setUp({ addresses: ["192.0.2.7"] });
  await nodesOf();
  assert.equal(asked.times, 1);
});

Deno.test("An invite names the own node where others reach it, and never where its address is hidden", async () => {
  const own = { ip: "192.0.2.7", isReached: true };
  const places = [own, { ip: "2001:db8::7", isReached: false }];
  const addresses = ["192.0.2.7", "192.168.1.5", "2001:db8::7"];
  const theirs = "203.0.113.1 9000";
  assert.deepEqual(await setUp({ places, addresses }).nodesOf(), [
    "direct",
    "192.0.2.7 8000",
    theirs,
  ]);
  const mapped = { state: "mapped", places: [{ ...own, port: 7_001 }] } as const;
  assert.deepEqual(await setUp({ ...mapped, addresses: ["192.0.2.7:7001"] }).nodesOf(), [
    "mapped",
    "192.0.2.7 8000",
    theirs,
  ]);
  const granted = { state: "mapped", places: [{ ...own, port: 7_001, udpPort: 8_100 }] } as const;
  assert.deepEqual(await setUp({ ...granted, addresses: ["192.0.2.7:7001"] }).nodesOf(), [
    "mapped",
    "192.0.2.7 8100",
    theirs,
  ]);
  // With MODE = relay strangers may reach the peer, but its address is in no record and in no invite.
  const hidden = { state: "relayed", places, addresses: ["relay/198.51.100.1:7000"] } as const;
  assert.deepEqual(await setUp(hidden).nodesOf(), ["relayed", theirs]);
  assert.deepEqual(await setUp({ ...hidden, contacts: [] }).nodesOf(), ["relayed"]);
  const home = {
    state: "unreachable",
    addresses: ["192.168.1.5"],
    local: ["192.168.1.5"],
  } as const;
  assert.deepEqual(await setUp(home).nodesOf(), ["none", theirs]);
  // The only contact may be gone: then no other node tells whether others reach this one.
  const untried = { ...home, state: "unknown" } as const;
  assert.deepEqual(await setUp(untried).nodesOf(), ["none", theirs, "192.168.1.5 8000"]);
  assert.deepEqual(await setUp({ ...hidden, state: "unknown" }).nodesOf(), ["none", theirs]);
});

Deno.test("A peer that knows no other names all addresses of its machine that it may tell", async () => {
  const alone = setUp({
    state: "unknown",
    addresses: ["192.168.1.5"],
    local: ["192.0.2.7", "192.168.1.5"],
    contacts: [],
    joined: false,
  });
  assert.deepEqual(await alone.nodesOf(), ["none", "192.168.1.5 8000", "192.0.2.7 8000"]);
  assert.equal(alone.base.monotonic(), 0);
});

Deno.test("An invite has eight nodes at most", async () => {
  const contacts = Array.from({ length: 40 }, (_, i) => ({ ip: `203.0.113.${i}`, port: 9 }));
  const places = [{ ip: "192.0.2.7", isReached: true }];
  const nodes = await setUp({ places, addresses: ["192.0.2.7"], contacts }).nodesOf();
  assert.deepEqual(nodes.slice(0, 3), ["direct", "192.0.2.7 8000", "203.0.113.0 9"]);
  assert.equal(nodes.length, 9);
});

Deno.test("An invite does not take relays for the last word while no node has tried to connect", async () => {
  const { base, invites, become } = setUp({
    state: "relayed",
    places: [{ ip: "192.0.2.7" }],
    addresses: ["192.0.2.7"],
  });
  const made = invites.make({});
  await base.advance(1_000);
  become("direct");
  assert.equal((await base.drive(made, 0)).reach, "direct");
});

Deno.test("An invite waits some seconds to learn how others reach the peer, and no longer", async () => {
  const { base, invites, become, listeners } = setUp({
    state: "unknown",
    addresses: ["192.0.2.7"],
  });
  const soon = invites.make({});
  await base.advance(1_000);
  become("relayed");
  assert.equal((await base.drive(soon, 0)).reach, "relayed");
  become("unknown");
  const never = invites.make({});
  await base.advance(6_000);
  assert.equal((await base.drive(never, 0)).reach, "none");
  const ended = new AbortController();
  const given = invites.make({}, ended.signal);
  ended.abort(new Error("enough"));
  await assert.rejects(base.drive(given, 0), /enough/);
  assert.equal(listeners.size, 0);
});
