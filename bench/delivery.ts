/**
 * Measures how posts arrive, with real sockets on loopback: `deno task bench delivery [NAME…]`,
 * one line of JSON a row, each with the machine's load and with what of it was real.
 *
 * `BENCH_PROFILES=folder` leaves a profile of every process there.
 *
 * @module
 */

import { fiveThousand, hundred, liars, thousand } from "./delivery/crowd.ts";
import { five } from "./delivery/five.ts";
import { gone } from "./delivery/gone.ts";
import { idle } from "./delivery/idle.ts";
import { missed } from "./delivery/missed.ts";
import { rejoin } from "./delivery/rejoin.ts";
import { absent, mention, thread } from "./delivery/talk.ts";
import { soak } from "./delivery/soak.ts";

const scenarios: Record<string, () => Promise<void>> = {
  five,
  hundred,
  thousand,
  "five-thousand": fiveThousand,
  liars,
  gone,
  missed,
  rejoin,
  idle,
  mention,
  absent,
  thread,
  soak,
};

const names = Deno.args.filter((arg) => !arg.startsWith("--"));
const unknown = names.filter((name) => !(name in scenarios));
if (unknown.length > 0) {
  const text = `Cannot measure ${unknown.join(", ")}. There is: ${
    Object.keys(scenarios).join(", ")
  }\n`;
  await Deno.stderr.write(new TextEncoder().encode(text));
  Deno.exit(2);
}
// The soak, which takes an hour, and the largest crowd, which takes 7 GB, run only when they are asked for.
const all = Object.keys(scenarios).filter((name) => name !== "soak" && name !== "five-thousand");
for (const name of names.length > 0 ? names : all) await scenarios[name]?.();
Deno.exit(0);
