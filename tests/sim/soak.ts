/**
 * Thousands of seeds of whole peers: `soak [FIRST] [COUNT] [homes] [talk]`, with `homes` some of them at home and
 * reached through relays, with `talk` conversations. Prints the seeds that fail, each with what
 * went wrong, and how memory has grown; exits with 1 if any failed.
 *
 * @module
 */

import process from "node:process";
import { runWholePeers } from "./whole_peers.ts";

/** Seeds in one run unless said otherwise. */
const countDefault = 2_000;

/** A line of progress after so many seeds. */
const reportEvery = 50;

const [from, many, ...kinds] = process.argv.slice(2);
const [first, count] = [Number(from ?? 1), Number(many ?? countDefault)];
const homes = kinds.includes("homes");
const talk = kinds.includes("talk");
const failed: number[] = [];
const totals: Record<string, number> = {};

function report(done: number): void {
  const megabytes = Math.round(process.memoryUsage().rss / 1024 / 1024);
  process.stdout.write(`${done} seeds, ${failed.length} failed, ${megabytes} MB\n`);
}

for (let seed = first; seed < first + count; seed++) {
  try {
    const { counts } = await runWholePeers({ seed, homes, talk });
    for (const [what, times] of Object.entries(counts)) totals[what] = (totals[what] ?? 0) + times;
  } catch (error) {
    failed.push(seed);
    process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
  if ((seed - first + 1) % reportEvery === 0) report(seed - first + 1);
}
report(count);
process.stdout.write(`${JSON.stringify(totals)}\n`);
if (failed.length > 0) {
  process.stdout.write(`Failed seeds: ${failed.join(" ")}\n`);
  process.exitCode = 1;
}
