/**
 * How many records a second are checked: decoded, verified and judged, as every holder and reader does.
 *
 * Prints one JSON line. `deno run -A bench/records.ts [--n 4000]`
 *
 * @module
 */

import { argv, cpuUsage } from "node:process";
import { parseArgs } from "node:util";
import { Identity } from "../core/model/identity.ts";
import { readRecord, recordKey, signRecord } from "../core/model/record.ts";
import type { Body, Namespace } from "../core/model/record_body.ts";
import { RecordValuePolicy } from "../net/directory/record_values.ts";
import { SystemClock } from "../net/system/system_time.ts";
import { SeededRandom } from "../tests/sim/random.ts";

const { values } = parseArgs({
  args: argv.slice(2),
  options: { n: { type: "string", default: "4000" } },
});
const count = Number(values.n);
const clock = new SystemClock();
const random = new SeededRandom(1);
const now = clock.now();

/** A value and the key it belongs under. */
interface Item {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const publicBody: Body = {
  since: now,
  posts: 120,
  followers: 40,
  following: 30,
  heads: [{ device: 17, head: 120 }, { device: 400, head: 7 }],
  generation: 1,
  pages: 4,
};

function sign(owner: Identity, namespace: Namespace, body: Body, number: number): Item {
  const username = `user${number}`;
  const expiresAt = now + 600_000;
  const { value } = signRecord({ username, namespace, sequence: now, expiresAt, body }, owner);
  return { key: recordKey(username, namespace), value };
}

function page(entries: number): Body {
  return {
    entries: Array.from({ length: entries }, (_, i) => ({
      list: "following" as const,
      username: `followed_user_${i}`,
      key: random.bytes(32),
      updatedAt: now - i,
      present: true,
    })),
  };
}

/** Milliseconds of processor time used so far: others on the machine don't count. */
function cpuMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1_000;
}

/** Checks a second of one core: the best of five rounds. */
function rate(items: readonly Item[], fresh: boolean): number {
  let best = 0;
  let policy = new RecordValuePolicy({ owns: () => false });
  for (let round = 0; round < 5; round++) {
    if (fresh) policy = new RecordValuePolicy({ owns: () => false });
    const start = cpuMs();
    for (const { key, value } of items) {
      if (!policy.check(key, value, now).ok) throw new Error("Cannot measure: a record is refused");
    }
    best = Math.max(best, 1_000 * items.length / (cpuMs() - start));
  }
  return Math.round(best);
}

function each(total: number, make: (i: number) => Item): Item[] {
  return Array.from({ length: total }, (_, i) => make(i));
}

const identities = Array.from({ length: count }, () => new Identity(random.bytes(32)));
const one = new Identity(random.bytes(32));
const ownerOf = (i: number): Identity => identities[i] ?? one;

const distinct = each(count, (i) => sign(ownerOf(i), "public", publicBody, i));
const known = each(count, (i) => sign(ownerOf(i % 100), "public", publicBody, i));
const fullPage = page(120);
const pages = each(count / 8, (i) => sign(ownerOf(i), "public:1:0", fullPage, i));
const again = distinct.slice(0, 200);

let forged = 0;
const refusing = new RecordValuePolicy({ owns: () => false });
const wrongKey = distinct.map(({ value }) => ({ value, key: new Uint8Array(20) }));
const start = cpuMs();
for (const { key, value } of wrongKey) if (!refusing.check(key, value, now).ok) forged++;
const refusedPerS = Math.round(1_000 * forged / (cpuMs() - start));

const decodeStart = cpuMs();
for (const { value } of distinct) readRecord(value);
const decodePerS = Math.round(1_000 * count / (cpuMs() - decodeStart));

const result = {
  name: "records",
  n: count,
  record_bytes: distinct[0]?.value.length,
  page_bytes: pages[0]?.value.length,
  check_per_s_distinct_keys: rate(distinct, true),
  check_per_s_100_keys: rate(known, true),
  check_per_s_pages: rate(pages, true),
  check_per_s_seen_before: rate(again, false),
  refuse_per_s_wrong_key: refusedPerS,
  decode_per_s: decodePerS,
};
// deno-lint-ignore no-console -- what the program is for
console.log(JSON.stringify(result));
