import assert from "node:assert/strict";
import { enterNetwork } from "../../core/enter.ts";
import type { Links, Reach } from "../../core/ports.ts";
import { VirtualClock } from "../sim/clock.ts";
import { SimDirectoryNetwork } from "../sim/directory.ts";
import { userNamed } from "../sim/users.ts";
import { only } from "./doubles.ts";

const inviter = userNamed("alice");
const open = { ip: "192.0.2.7", port: 8000 };
const home = { ip: "192.168.1.9", port: 8000 };

function setUp(addresses: string[] = ["192.168.1.5", "2001:db8::1"]) {
  const directory = new SimDirectoryNetwork(new VirtualClock().view()).directory();
  const ports = {
    directory,
    links: only<Links>({ status: () => ({ open: 0 }) }),
    reach: only<Reach>({ local: () => addresses }),
  };
  return {
    directory,
    enter: (nodes: { ip: string; port: number }[]) => enterNetwork(ports, { inviter, nodes }),
  };
}

Deno.test("A peer joins through the nodes of an invite, and leaves out those of another home", async () => {
  const { directory, enter } = setUp();
  directory.address = undefined;
  assert.deepEqual(await enter([open, home]), { joined: true, nodes: [open] });
  assert.deepEqual(directory.joinedThrough, [open]);
  // An invite into a home's network names nothing else.
  assert.deepEqual(await enter([home]), { joined: true, nodes: [home] });
});

Deno.test("A peer that is in no network says why an invite does not bring it into one", async () => {
  const { directory, enter } = setUp([]);
  directory.address = undefined;
  directory.listensAt = "::";
  directory.reachable = false;
  const refused = (message: RegExp) => ({ code: "not_joined", message });
  await assert.rejects(
    enter([open, home]),
    refused(/the node that it names does not answer.*ask alice/),
  );
  await assert.rejects(enter([home]), refused(/another home or machine/));
  const here = { ip: "127.0.0.1", port: 8000 };
  await assert.rejects(enter([here]), refused(/own machine alone.*start with --ip 127\.0\.0\.1/));
  await assert.rejects(enter([home, here]), refused(/another home or machine/));
  await assert.rejects(enter([]), refused(/names no node/));
});

Deno.test("A peer that is in the network already needs no node of the invite", async () => {
  const { enter } = setUp([]);
  assert.deepEqual(await enter([]), { joined: true, nodes: [] });
});
