/**
 * Mutation testing: plants small mistakes in copies of the program, and shows which of them neither
 * the types nor the tests notice.
 *
 * The report is a JSON file, written after each mutant: `tools/mutate/report.json`, or the file that
 * `--resume` names, whose results are taken over. A mutant that no test could notice belongs in
 * `equivalents.json` next to the report, as `"<id in the report>": "<reason>"`.
 *
 * @module
 */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SeededRandom } from "../tests/sim/random.ts";
import { Copy, type Mutant, type Verdict } from "./mutate/copy.ts";
import { drawSample } from "./mutate/selection.ts";

const usage = `Usage: deno task mutate [options]
  --seed N       draws another sample (default 1)
  --sample N     how many mutants are tried (default 40)
  --path PREFIX  only files whose paths begin so (default: lib, core, net, storage and ui)
  --jobs N       copies that are tried at the same time (default 1)
  --timeout S    seconds without a line of output after which a test is taken to hang (default 120)
  --list         shows the sample and tries nothing
  --resume FILE  goes on with the run of a report
  --help         prints this
`;

/** A mutant that has been tried, and the seconds that this took. */
type Result = Mutant & Verdict & { readonly seconds: number };

/** A run. Its options draw the same sample again. */
interface Report {
  readonly seed: string;
  readonly sample: string;
  readonly path: string;
  readonly results: Result[];
}

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(text));
}

/** What a JSON file says; an empty object where there is none. */
function readJson<T extends object>(path: string): Promise<Partial<T>> {
  return Deno.readTextFile(path).then(JSON.parse, () => ({}));
}

/** The change as a diff of whole lines. */
function diffOf({ file, line, kind, before, after }: Mutant): string {
  const signed = (sign: string, lines: string) => `${sign}${lines.replaceAll("\n", `\n${sign}`)}\n`;
  return `\n${file}:${line} (${kind})\n${signed("-", before)}${signed("+", after)}`;
}

/** The survivors, and the share of the mutants that are not equivalent which was noticed. */
function summaryOf(results: readonly Result[]): string {
  const groups = Map.groupBy(results, ({ outcome }) => outcome);
  const survivors = groups.get("survived") ?? [];
  const count = results.length - (groups.get("equivalent")?.length ?? 0);
  const rate = (100 * (count - survivors.length) / count).toFixed(1);
  const counts = [...groups].map(([outcome, { length }]) => `${length} ${outcome}`).join(", ");
  return `${survivors.map(diffOf).join("")}\n${counts}; ${rate} % of ${count} noticed\n`;
}

/** The options as they were given; throws where they make no sense. */
function parse() {
  const text = { type: "string" } as const;
  const options = { seed: text, sample: text, path: text, jobs: text, timeout: text, resume: text };
  const flag = { type: "boolean" } as const;
  const { values } = parseArgs({ options: { ...options, list: flag, help: flag } });
  for (const name of ["seed", "sample", "jobs", "timeout"] as const) {
    if (/^[1-9]\d{0,5}$/.test(values[name] ?? "1")) continue;
    throw new RangeError(`--${name} takes a whole number from 1 to 999999, not ${values[name]}`);
  }
  return values;
}

/** Draws mutants and tries them in copies, which the caller removes. */
async function mutate(options: ReturnType<typeof parse>, copies: Copy[]): Promise<void> {
  const { resume, list, jobs = 1, timeout = 120 } = options;
  const reportFile = resume ?? fileURLToPath(new URL("mutate/report.json", import.meta.url));
  const last = resume === undefined ? {} : await readJson<Report>(reportFile);
  const { seed = last.seed ?? "1", sample = last.sample ?? "40", path = last.path ?? "" } = options;
  const reasons = await readJson<Record<string, string>>(`${dirname(reportFile)}/equivalents.json`);
  const first = new Copy(1000 * Number(timeout));
  copies.push(first);
  await first.fill();
  const all = await first.mutants(path);
  const waiting = drawSample(all, Number(sample), new SeededRandom(seed));
  if (list) return say(`${waiting.map(diffOf).join("")}\n${waiting.length} of ${all.length}\n`);
  while (copies.length < Number(jobs)) copies.push(new Copy(1000 * Number(timeout)));
  await Promise.all(copies.slice(1).map((copy) => copy.fill()));
  const report: Report = { seed, sample, path, results: [] };
  await Promise.all(copies.map(async (copy) => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const { id, file, line, kind } = mutant;
      const begun = performance.now();
      const reason = reasons[id];
      const known = last.results?.find((result) => result.id === id);
      const verdict: Verdict = reason !== undefined
        ? { outcome: "equivalent", by: reason }
        : known ?? await copy.judge(mutant);
      const spent = Math.round((performance.now() - begun) / 1000);
      const result: Result = { ...mutant, seconds: spent, ...verdict };
      report.results.push(result);
      await Deno.writeTextFile(reportFile, `${JSON.stringify(report, undefined, 2)}\n`);
      const { outcome, by = "", seconds } = result;
      await say(`${outcome.padEnd(10)}  ${file}:${line} (${kind}, ${seconds} s)  ${by}\n`);
    }
  }));
  await say(summaryOf(report.results));
}

if (import.meta.main) {
  const copies: Copy[] = [];
  const end = (code: number) => {
    for (const copy of copies) copy[Symbol.dispose]();
    Deno.exit(code);
  };
  Deno.addSignalListener("SIGINT", () => end(130));
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", () => end(143));
  let code = 2;
  try {
    const options = parse();
    await (options.help ? say(usage) : mutate(options, copies));
    code = 0;
  } catch (error) {
    // A reader of the output that goes away must not leave copies behind: this may fail as well.
    await say(copies.length === 0 ? `error: ${error}\n${usage}` : `${error}\n`);
  } finally {
    end(code);
  }
}
