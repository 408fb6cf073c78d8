import assert from "node:assert/strict";
import type { ReachView, StatusView } from "../../../core/api.ts";
import type { Check } from "../../../ui/commands/checks.ts";
import type { FakePeer } from "../fake_peer.ts";
import { Machine } from "../fake_io.ts";

const names = [
  "versions",
  "data folder",
  "configuration",
  "descriptors",
  "peer",
  "network",
  "reach",
  "clock",
];

/** Runs `doctor --json`; resolves to the exit code and the checks by name. */
async function doctor(m: Machine, ...flags: string[]) {
  const { code, out, err } = await m.run("doctor", "--json", ...flags);
  assert.equal(err, "");
  const { checks } = JSON.parse(out) as { checks: Check[] };
  assert.deepEqual(checks.map(({ name }) => name), names);
  for (const { ok, advice } of checks) assert.ok(!ok || advice === null);
  return { code, checks: Object.fromEntries(checks.map((check) => [check.name, check])) };
}

/** The names of the checks that are not ok. */
function problems({ checks }: Awaited<ReturnType<typeof doctor>>): string[] {
  return Object.values(checks).filter(({ ok }) => !ok).map(({ name }) => name);
}

/** A peer that shows another status. */
function showing(change: (status: StatusView) => unknown) {
  return (peer: FakePeer) => {
    const { status } = peer;
    peer.status = async () => {
      const view = await status.call(peer);
      return { ...view, ...change(view) as object };
    };
  };
}

Deno.test("A doctor without a running peer runs one, and leaves nothing of it", async () => {
  const m = await Machine.withAlice();
  m.host.prepare = showing(({ node }) => ({ node: { ...node, joined: true, contacts: 3 } }));
  const { code, checks } = await doctor(m, "--ntp-server", "none");
  assert.equal(code, 0, JSON.stringify(checks));
  assert.match(checks["versions"]?.detail ?? "", /^camellia 1\.2\.3, Deno 2\.9\.6$/);
  assert.match(checks["data folder"]?.detail ?? "", /^\/data, mode 700, 5000 MB free$/);
  assert.match(checks["peer"]?.detail ?? "", /^none runs on this folder/);
  assert.match(checks["network"]?.detail ?? "", /in the network with 3 other nodes/);
  assert.equal(m.host.started.length, 2);
  assert.ok(m.host.started.every(({ peer }) => peer.stopped));
  assert.equal(m.host.locked.size, 0);
});

Deno.test("A doctor asks the peer that runs, and starts none", async () => {
  const m = await Machine.withAlice();
  const up = m.start("up", "--json");
  await up.io.until(() => up.io.stdout.includes("ready"));
  const started = m.host.started.length;
  const { checks } = await doctor(m, "--ntp-server", "none");
  assert.match(checks["peer"]?.detail ?? "", /^one of alice runs on this folder \(process 1\)$/);
  assert.equal(m.host.started.length, started);
  up.io.interrupt();
  assert.equal(await up.ended, 0);
});

Deno.test("What is wrong is told with what to do, and the exit code is 1", async () => {
  const node = (change: Partial<StatusView["node"]>) =>
    showing(({ node }) => ({ node: { ...node, joined: false, contacts: 0, ...change } }));
  const unreachable: ReachView = { state: "unreachable", relays: 0, outer_ip: null, addresses: [] };
  const offset = (offset_ms: number) =>
    showing(() => ({ clock: { source: "ntp", offset_ms, synced_at: null } }));
  const folder = { kind: "folder", isOwn: true, mode: 0o700, unwritable: undefined } as const;
  const withFolder = (facts: object) => (m: Machine) => {
    m.host.system.folder = () => Promise.resolve({ ...folder, freeBytes: undefined, ...facts });
  };
  const cases: readonly [
    name: string,
    arrange: (m: Machine) => unknown,
    detail: RegExp,
    advice: RegExp,
  ][] = [
    ["versions", (m) => m.host.system.deno = "2.8.1", /2\.8\.1/, /2\.8\.2 or later/],
    ["data folder", withFolder({ isOwn: false }), /another user/, /chown/],
    ["data folder", withFolder({ mode: 0o722 }), /mode 722: other users/, /chmod go-w \/data/],
    ["data folder", withFolder({ unwritable: "read-only" }), /read-only/, /owner, mode/],
    ["data folder", withFolder({ freeBytes: 99_999_999 }), /99 MB free: .*full/, /Free some/],
    ["data folder", withFolder({ kind: "other" }), /no folder/, /--data DIR/],
    [
      "configuration",
      (m) => m.writeFile("/data/config.ini", "[DEFAULT]\nPORT = x\n"),
      /line 2: PORT is "x"/,
      /Mend that line/,
    ],
    [
      "descriptors",
      (m) => m.host.system.descriptors = () => Promise.resolve(1023),
      /^1023 /,
      /ulimit/,
    ],
    [
      "network",
      (m) => m.host.prepare = node({ hindrance: "no_udp" }),
      /no UDP out.*asked: a\.example:1/,
      /Allow UDP/,
    ],
    ["network", (m) => m.host.prepare = node({}), /no other node has answered/, /bootstrap/],
    [
      "network",
      (m) => m.host.prepare = node({ joined: true, contacts: 1, carrier: "tcp" }),
      /no UDP out/,
      /Allow UDP/,
    ],
    [
      "reach",
      (m) =>
        m.host.prepare = (peer) => {
          peer.joined = true;
          peer.reach = unreachable;
        },
      /cannot connect to you/,
      /Forward the TCP port/,
    ],
    ["clock", (m) => m.host.prepare = offset(-120_001), /120001 ms ahead/, /Set this machine/],
  ];
  for (const [name, arrange, detail, advice] of cases) {
    const m = await Machine.withAlice();
    m.host.prepare = (peer) => void (peer.joined = true);
    arrange(m);
    const found = await doctor(m, "--ntp-server", "none", "-b", "a.example:1");
    assert.equal(found.code, 1, name);
    const isFirst = name === "data folder" || name === "configuration";
    const skipped = isFirst ? ["peer", "network", "reach", "clock"] : [];
    assert.deepEqual(problems(found), [name, ...skipped], name);
    assert.match(found.checks[name]?.detail ?? "", detail);
    assert.match(found.checks[name]?.advice ?? "", advice);
    const text = await m.run("doctor", "--ntp-server", "none", "-b", "a.example:1");
    assert.equal(text.code, 1);
    const line = text.out.split("\n").find((line) => line.startsWith(`problem ${name}`)) ?? "";
    assert.match(line, advice);
  }
});

Deno.test("Edges that are still well are no problem", async () => {
  const m = await Machine.withAlice();
  m.host.system.deno = "2.10.0";
  m.host.system.descriptors = () => Promise.resolve(1024);
  m.host.system.folder = () =>
    Promise.resolve({
      kind: "absent",
      isOwn: undefined,
      mode: undefined,
      unwritable: undefined,
      freeBytes: 100_000_000,
    });
  m.host.prepare = showing(({ node }) => ({
    clock: { source: "ntp", offset_ms: 120_000, synced_at: null },
    node: { ...node, joined: false, contacts: 0 },
  }));
  assert.deepEqual(problems(await doctor(m, "--ntp-server", "none", "--init")), []);
});

Deno.test("Time servers are waited for, and what they say is told", async () => {
  const m = await Machine.withAlice();
  m.host.prepare = (peer) => {
    peer.joined = true;
    const { subscribe } = peer;
    peer.subscribe = (listener) => {
      const message = "The time servers say that this machine's clock is 20 minutes behind.";
      queueMicrotask(() => listener({ event: "warning", code: "clock_doubted", message }));
      return subscribe.call(peer, listener);
    };
  };
  const found = await doctor(m, "--ntp-server", "time.example");
  assert.deepEqual(problems(found), ["clock"]);
  assert.match(found.checks["clock"]?.detail ?? "", /20 minutes behind/);
});

Deno.test("A peer that cannot start, and a folder that stays locked, are told as a check", async () => {
  const { CamelliaError } = await import("../../../core/model/errors.ts");
  const m = await Machine.withAlice();
  m.host.startError = new CamelliaError("udp_port_in_use", "Cannot use UDP port 8000: it is taken");
  const found = await doctor(m);
  assert.equal(found.code, 1);
  assert.deepEqual(problems(found), ["peer", "network", "reach", "clock"]);
  assert.match(found.checks["peer"]?.detail ?? "", /UDP port 8000/);
});
