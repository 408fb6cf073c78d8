/**
 * Registration and login with real Argon2id, real files and databases, on a network of real nodes on
 * loopback; and lists of 5,000 entries each.
 *
 * Prints one JSON line. All nodes share one process, so that the network takes longer here than with a
 * processor to each. `deno run -A bench/accounts.ts [--nodes 20] [--rounds 7] [--entries 5000]`
 *
 * @module
 */

import { join } from "node:path";
import { argv } from "node:process";
import { parseArgs } from "node:util";
import type { Endpoint, Links, Ports } from "../core/ports.ts";
import { Accounts } from "../core/accounts/accounts.ts";
import type { OpenAccount } from "../core/accounts/open_account.ts";
import { ListReader } from "../core/people/list_reader.ts";
import { zxcvbnJudge } from "../core/accounts/password_strength.ts";
import { openDatagrams } from "../net/system/datagrams.ts";
import { type CreatedDirectory, createDirectory } from "../net/directory/directory.ts";
import { SystemRandom } from "../net/system/system_random.ts";
import { ReachWatch } from "../net/reach/reach_watch.ts";
import { SystemClock } from "../net/system/system_time.ts";
import { KeyFiles } from "../storage/key_files.ts";
import { KvStores } from "../storage/user_store.ts";

const { values } = parseArgs({
  args: argv.slice(2),
  options: {
    nodes: { type: "string", default: "20" },
    rounds: { type: "string", default: "7" },
    entries: { type: "string", default: "5000" },
  },
});
const nodeCount = Number(values.nodes);
const rounds = Number(values.rounds);
const entryCount = Number(values.entries);

const clock = new SystemClock();
const random = new SystemRandom();
const endpoint: Endpoint = { ip: "127.0.0.1", port: 7000 };
const password = "seven green lanterns drift";
const derivation = { memoryKiB: 65_536, passes: 3, lanes: 4 };

const nodes: CreatedDirectory[] = [];
const folders: string[] = [];
const accounts: OpenAccount[] = [];

async function startNode(): Promise<void> {
  const first = nodes[0]?.directory.status().udp;
  const created = await createDirectory({
    datagrams: openDatagrams({ ip: "127.0.0.1", port: 0 }),
    clock,
    random,
    bootstrap: first === undefined ? [] : [{ host: first.ip, port: first.port }],
    firstNode: first === undefined,
  });
  await created.firstAttempt;
  nodes.push(created);
}

/** An empty data folder at one of the nodes. */
async function device(number: number): Promise<Accounts> {
  const folder = await Deno.makeTempDir({ prefix: "camellia-bench-" });
  folders.push(folder);
  const node = nodes[number % nodes.length];
  if (node === undefined) throw new Error("Cannot open a device: there is no node");
  const links: Pick<Links, "status"> = { status: () => ({ listening: endpoint, open: 0 }) };
  const outside = { clock, directory: node.directory, links: links as Links };
  const ports: Ports = {
    ...outside,
    random,
    reach: new ReachWatch({ ...outside, homeAddresses: () => [] }),
    stores: new KvStores(join(folder, "data")),
    keys: await KeyFiles.open(folder),
  };
  const settings = { derivation, publishPrivate: true, firstNode: false };
  return new Accounts({ ports, settings, passwordJudge: zxcvbnJudge, emit: () => {} });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = clock.monotonic();
  await work();
  return clock.monotonic() - before;
}

function summary(times: readonly number[]): { median: number; worst: number } {
  const sorted = [...times].sort((a, b) => a - b);
  return {
    median: Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0),
    worst: Math.round(sorted.at(-1) ?? 0),
  };
}

/** Keeps the account open until the end. */
async function opened(promise: Promise<OpenAccount>): Promise<OpenAccount> {
  const account = await promise;
  accounts.push(account);
  return account;
}

async function measureAccounts(): Promise<Record<string, unknown>> {
  const argon2: number[] = [];
  const register: number[] = [];
  const announce: number[] = [];
  const loginElsewhere: number[] = [];
  const loginHere: number[] = [];
  const keys = await KeyFiles.open(await Deno.makeTempDir({ prefix: "camellia-bench-" }));
  for (let i = 0; i < rounds; i++) {
    const salt = random.bytes(16);
    argon2.push(await timed(() => keys.derive(password, { ...derivation, salt })));
  }
  const cold = await timed(async () => {
    await opened((await device(0)).register({ username: "first_user", password }));
  });
  for (let i = 0; i < rounds; i++) {
    const credentials = { username: `user_${i}`, password };
    const home = await device(2 * i + 1);
    let account: OpenAccount | undefined;
    register.push(
      await timed(async () => {
        account = await home.register(credentials);
      }),
    );
    announce.push(await timed(async () => await account?.records.announce(endpoint)));
    await account?.session.close();
    const elsewhere = await device(2 * i + 2);
    loginElsewhere.push(
      await timed(async () => {
        account = await elsewhere.login(credentials);
      }),
    );
    await account?.session.close();
    loginHere.push(
      await timed(async () => {
        account = await home.login(credentials);
      }),
    );
    await account?.session.close();
  }
  return {
    argon2Ms: summary(argon2),
    registerFirstMs: Math.round(cold),
    registerMs: summary(register),
    announceMs: summary(announce),
    loginElsewhereMs: summary(loginElsewhere),
    loginHereMs: summary(loginHere),
  };
}

/** How long a follow takes until it is on the network, and what long lists cost. */
async function measureLists(): Promise<Record<string, unknown>> {
  const credentials = { username: "popular", password };
  const { lists, records, session } = await opened((await device(3)).register(credentials));
  const reader = await opened((await device(4)).register({ username: "reader", password }));
  const follow: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const username = `somebody_${i}`;
    const key = random.bytes(32);
    follow.push(
      await timed(async () => {
        await lists.apply({
          list: "following",
          username,
          key,
          updatedAt: clock.now(),
          present: true,
        });
        for (;;) {
          const person = await reader.people.find("popular");
          if (person !== undefined) {
            const read = await reader.people.lists(person);
            if (read.some((entry) => entry.username === username)) return;
            reader.people.forgetPerson("popular");
          }
          await new Promise<void>((resolve) => clock.after(20, resolve));
        }
      }),
    );
  }
  const apply = await timed(async () => {
    for (let i = 0; i < entryCount; i++) {
      const entry = { username: `person_${i}`, key: random.bytes(32), updatedAt: clock.now() };
      await lists.apply({ ...entry, list: "following", present: true });
      await lists.apply({ ...entry, list: "followers", present: true });
    }
  });
  const publish = await timed(async () => {
    await lists.flush();
    await records.flush();
  });
  const other = await opened((await device(5)).login(credentials));
  const pull = await timed(() => other.records.pull());
  let complete = false;
  let length = 0;
  const read = await timed(async () => {
    reader.people.forgetPerson("popular");
    const person = await reader.people.find("popular");
    if (person === undefined) return;
    const result = await new ListReader(reader.session).read(person);
    complete = result.complete;
    length = result.entries.length;
  });
  const pages = (await reader.people.find("popular"))?.public?.pages;
  session.signal.throwIfAborted();
  return {
    followSeenMs: summary(follow),
    applyAllMs: Math.round(apply),
    publishAllMs: Math.round(publish),
    pullAllMs: Math.round(pull),
    pulled: other.lists.present("following").length + other.lists.present("followers").length,
    readAllMs: Math.round(read),
    read: { entries: length, complete, pages },
  };
}

const judge = await timed(() => zxcvbnJudge.prepare());
for (let i = 0; i < nodeCount; i++) await startNode();
try {
  const result = {
    nodes: nodeCount,
    judgeLoadMs: Math.round(judge),
    ...await measureAccounts(),
    ...await measureLists(),
    rssMB: Math.round(Deno.memoryUsage().rss / 1e6),
  };
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(result)}\n`));
} finally {
  for (const { session } of accounts) await session.close();
  for (const node of nodes) await node.close();
  for (const folder of folders) await Deno.remove(folder, { recursive: true });
}
// The index of a database may still wait for further changes, for seconds.
Deno.exit(0);
