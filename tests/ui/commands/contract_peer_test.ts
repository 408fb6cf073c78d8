/** What the commands on the peer and the program itself print for scripts is what docs/cli/ promises. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { StatusView } from "../../../core/api.ts";
import { FakePeer } from "../fake_peer.ts";
import { Contract, events, onPeer } from "../contract.ts";
import { Machine } from "../fake_io.ts";

/** Runs a peer or a node that every kind of event comes to. */
async function serve(contract: Contract, schema: "up" | "node"): Promise<void> {
  const { machine } = contract;
  const { io, ended } = machine.start("--json", schema);
  await io.until(() => io.stdout.includes("\n"));
  const all = Object.values(events).flat();
  for (const event of all) machine.host.started.at(-1)?.peer.emit(event);
  const lines = () => io.stdout.split("\n").slice(0, -1);
  // Before them it says that it is ready, and how others reach it.
  await io.until(() => lines().length >= all.length + 2);
  // A user's peer has ended with the logout.
  if (schema === "node") io.interrupt();
  assert.equal(await ended, 0);
  assert.equal(lines().length, all.length + 2);
  for (const line of lines()) contract.take(schema, line);
}

/** A value with everything that it can have: a field more in the view does not compile without one here. */
type Whole<T> = T extends object ? { [Key in keyof T]-?: Whole<T[Key]> } : T;

const endpoint = { ip: "192.0.2.7", port: 7000 };

const full: Whole<StatusView> = {
  node: {
    ...{ id: "ab".repeat(20), contacts: 1, records: 2, udp: endpoint, joined: false },
    ...{ carrier: "udp", hindrance: "no_node" },
  },
  user: FakePeer.view("alice"),
  links: { open: 1, listening: endpoint },
  reach: {
    ...{ state: "mapped", relays: 2, outer_ip: endpoint.ip },
    addresses: [{ ip: endpoint.ip, reached: true }, { ip: "2001:db8::7", reached: null }],
  },
  clock: { offset_ms: -1.5, source: "ntp", synced_at: "2026-01-01T00:00:00.000Z" },
  store: { posts: 3, bytes: 4096, indexed: 0.5 },
  pending: 1,
  unread: { posts: 1000, notifications: 1, requests: 2 },
  process: { version: "1.2.3-rc.1", pid: 7, uptime_s: 0 },
};

async function states(contract: Contract): Promise<void> {
  await contract.run("status");
  contract.prepare = (peer) => {
    peer.joined = false;
    peer.status = () => Promise.resolve(full);
  };
  await contract.run("status");
  const { code, out } = await contract.machine.run("--json", "doctor", "--ntp-server", "none");
  assert.equal(code, 1);
  contract.take("doctor", out);
  contract.prepare = () => {};
  await contract.run("doctor", "--ntp-server", "none");
}

async function services(contract: Contract): Promise<void> {
  const { machine } = contract;
  let service: ReturnType<Machine["start"]> | undefined;
  machine.host.tool = (call) => {
    if (call.includes("enable --now")) {
      delete machine.io.variables["CAMELLIA_PASSWORD"];
      const flags = ["--user", "alice", "--password-file", "/data/service-password"];
      service = machine.start("up", ...flags);
    }
    if (call.includes("disable")) service?.io.interrupt();
    return { code: 0, printed: service === undefined ? "inactive\n" : "active\n" };
  };
  await contract.run("service-status");
  await contract.run("service-install");
  await contract.run("service-status");
  machine.writeFile("/data/log/camellia.log", "one\n\x1b[31mtwo\n");
  await contract.run("service-logs");
  await contract.run("service-uninstall");
  assert.equal(await service?.ended, 0);
}

async function texts(contract: Contract): Promise<void> {
  await contract.run("version");
  contract.take("version", (await contract.machine.run("--json", "--version")).out);
  for (const shell of ["bash", "zsh", "fish"]) await contract.run("completion", shell);
  await contract.run("man");
  const folder = await Deno.makeTempDir();
  try {
    await contract.run("man", join(folder, "man1"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("What the commands on the peer itself print is what docs/cli/ describes, field by field", async () => {
  const contract = new Contract(await Machine.withAlice());
  await serve(contract, "up");
  await serve(contract, "node");
  await states(contract);
  await texts(contract);
  await services(contract);
  contract.proves((command) => onPeer.has(command));
});
