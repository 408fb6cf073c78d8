/**
 * The DHT's simulations: `deno run -A bench/sim.ts NAME [--seed=1] [options]`, or `deno task bench sim
 * NAME`. Prints the table as Markdown and as one line of JSON. The same seed prints the same table.
 *
 * @module
 */
import { adversaries } from "./sim/adversaries.ts";
import { churn } from "./sim/churn.ts";
import { crowd } from "./sim/crowd.ts";
import { death } from "./sim/death.ts";
import { eclipse } from "./sim/eclipse.ts";
import { faults } from "./sim/faults.ts";
import { homes } from "./sim/homes.ts";
import { loss } from "./sim/loss.ts";
import { growth } from "./sim/growth.ts";
import { scale } from "./sim/scale.ts";
import { markdown, type Settings, type Table } from "./sim/report.ts";
import { sybils } from "./sim/sybils.ts";

const tables: Readonly<Record<string, (settings: Settings) => Promise<Table>>> = {
  growth,
  churn,
  death,
  adversaries,
  sybils,
  eclipse,
  faults,
  loss,
  homes,
  scale,
  crowd,
};

const encoder = new TextEncoder();

function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(`${text}\n`));
}

/** A simulation never gives the event loop a turn, so that nothing may be written behind its back. */
function tell(text: string): void {
  Deno.stderr.writeSync(encoder.encode(`${text}\n`));
}

function option(name: string): string | undefined {
  return Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
}

function numbers(name: string, defaults: readonly number[]): readonly number[] {
  return option(name)?.split(",").map(Number) ?? defaults;
}

const [name = ""] = Deno.args;
const make = Object.hasOwn(tables, name) ? tables[name] : undefined;
if (make === undefined) {
  tell(`Usage: sim NAME [--seed=1] [options]\n\nNAME is one of: ${Object.keys(tables).join(", ")}`);
  Deno.exit(2);
}
const startMs = performance.now();
const seed = option("seed") ?? "1";
const table = await make({ seed, numbers, tell, row: (row) => tell(JSON.stringify(row)) });
const seconds = Math.round((performance.now() - startMs) / 1_000);
const rssMb = Math.round(Deno.memoryUsage().rss / 1e6);
print(`${table.about}\n\n${markdown(table)}\n`);
print(JSON.stringify({ ...table, seed, seconds, rssMb }));
