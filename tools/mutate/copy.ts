/**
 * Copies of the repository in which mutants are planted and tried.
 *
 * @module
 */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Edit } from "./mutants.ts";
import { importersOf, testsOf } from "./selection.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A process that prints more than this is taken to print without end. */
const outputCharsMax = 10_000_000;

/** A change of one file of the program. */
export interface Mutant extends Edit {
  /** The path relative to the repository. */
  readonly file: string;
  /** The number of the first line that changes, from 1. */
  readonly line: number;
  /** The lines that change. */
  readonly before: string;
  /** The same lines with the mistake in them. */
  readonly after: string;
  /** Names the change by these lines, so that it keeps its name when other lines come and go. */
  readonly id: string;
}

/** What noticed a mutant. */
export interface Verdict {
  /** `timeout` where a test fell silent, `equivalent` where no test could notice. */
  readonly outcome: "types" | "tests" | "timeout" | "survived" | "equivalent";
  /** The test that noticed, or the reason why none could. */
  readonly by?: string;
}

/** A temporary copy of the repository, uncommitted work included. */
export class Copy {
  /** The TypeScript files by path. */
  readonly sources = new Map<string, string>();
  readonly #base = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "mutate-" }));
  readonly #folder = `${this.#base}/tree`;
  readonly #silentMsMax: number;
  #importers: ReadonlyMap<string, readonly string[]> = new Map();
  #child: Deno.ChildProcess | undefined;

  /** An empty copy. A process in it that prints nothing for `silentMsMax` is taken to hang. */
  constructor(silentMsMax: number) {
    this.#silentMsMax = silentMsMax;
  }

  /** Copies the files that git knows or would add. */
  async fill(): Promise<void> {
    const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const { stdout } = await new Deno.Command("git", { args, cwd: root }).output();
    await Deno.mkdir(`${this.#base}/tmp`);
    for (const path of new TextDecoder().decode(stdout).split("\0").filter(Boolean)) {
      await Deno.mkdir(dirname(`${this.#folder}/${path}`), { recursive: true });
      await Deno.copyFile(`${root}${path}`, `${this.#folder}/${path}`);
      if (path.endsWith(".ts")) this.sources.set(path, await Deno.readTextFile(`${root}${path}`));
    }
    this.#importers = importersOf(this.sources);
  }

  /** All mutants of the files whose paths begin with `path`, in the order of paths and lines. */
  async mutants(path: string): Promise<Mutant[]> {
    const config = { lint: { plugins: ["./tools/mutate/mutants.ts"], rules: { tags: [] } } };
    await this.#write("mutate.json", JSON.stringify(config));
    const rooms = ["lib", "core", "net", "storage", "ui"];
    const { output } = await this.#deno(["lint", "--json", "--config=mutate.json", ...rooms]);
    const { diagnostics, errors } = JSON.parse(output);
    if (errors.length > 0) throw new Error(`Cannot read the sources: ${errors[0].message}`);
    const found: Mutant[] = [];
    for (const { filename, message } of diagnostics) {
      const file = fileURLToPath(filename).slice(this.#folder.length + 1).replaceAll("\\", "/");
      if (!file.startsWith(path)) continue;
      const edit: Edit = JSON.parse(message);
      const source = this.sources.get(file) ?? "";
      const from = source.lastIndexOf("\n", edit.start) + 1;
      const to = source.indexOf("\n", edit.end);
      const line = source.slice(0, from).split("\n").length;
      const before = source.slice(from, to);
      const after = source.slice(from, edit.start) + edit.text + source.slice(edit.end, to);
      const id = `${file}: ${before.trim()} => ${after.trim()}`;
      found.push({ ...edit, file, line, before, after, id });
    }
    return found.sort((a, b) => a.file < b.file ? -1 : a.file > b.file ? 1 : a.start - b.start);
  }

  /** Plants a mutant and finds out what notices it: the type check, or a test that reaches its file. */
  async judge({ file, start, end, text }: Mutant): Promise<Verdict> {
    const source = this.sources.get(file) ?? "";
    const mutated = source.slice(0, start) + text + source.slice(end);
    await this.#write(file, mutated);
    try {
      if ((await this.#deno(["check", file, "main.ts"])).code !== 0) return { outcome: "types" };
      for (let tests = testsOf(file, this.#importers); tests.length > 0;) {
        const failure = await this.#firstFailure(tests);
        if (failure === undefined) break;
        const { test, by, isTimeout } = failure;
        tests = tests.slice(tests.indexOf(test) + 1);
        // A test that fails only now and then, or without the mutant too, has noticed nothing.
        if (!isTimeout && await this.#firstFailure([test]) === undefined) continue;
        await this.#write(file, source);
        const noticed = await this.#firstFailure([test]) === undefined;
        await this.#write(file, mutated);
        if (noticed) return { outcome: isTimeout ? "timeout" : "tests", by };
      }
      return { outcome: "survived" };
    } finally {
      await this.#write(file, source);
    }
  }

  /** Runs test files in this order up to the first failure; undefined where there is none. */
  async #firstFailure(tests: readonly string[]) {
    const args = ["test", "-q", "-P", "--no-prompt", "--no-check", "--fail-fast", ...tests];
    const { code, output, isTimeout } = await this.#deno(args);
    if (code === 0) return undefined;
    const failed = /^(.*) \.\.\. .*FAILED|^Uncaught error from \.\/(\S+) FAILED/m.exec(output);
    const begun = output.slice(0, failed?.index).matchAll(/^running \d+ tests? from \.\/(\S+)/gm);
    const test = failed?.[2] ?? [...begun].at(-1)?.[1] ?? tests[0] ?? "";
    return { test, by: failed?.[1] === undefined ? test : `${test}: ${failed[1]}`, isTimeout };
  }

  /** Runs Deno in the copy. */
  async #deno(args: readonly string[]) {
    const child = this.#child = new Deno.Command(Deno.execPath(), {
      args: [...args],
      cwd: this.#folder,
      env: { NO_COLOR: "1", TMPDIR: `${this.#base}/tmp` },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      // Only a process group of its own can be killed together with all that it started.
      detached: true,
    }).spawn();
    let output = "";
    let isTimeout = false;
    const end = () => {
      isTimeout = true;
      this.#kill();
    };
    let timer = setTimeout(end, this.#silentMsMax);
    const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        output += text;
        clearTimeout(timer);
        timer = setTimeout(end, output.length > outputCharsMax ? 0 : this.#silentMsMax);
      }
    };
    await Promise.all([read(child.stdout), read(child.stderr)]);
    const { code } = await child.status;
    clearTimeout(timer);
    this.#child = undefined;
    return { code, output, isTimeout };
  }

  #write(path: string, text: string): Promise<void> {
    return Deno.writeTextFile(`${this.#folder}/${path}`, text);
  }

  #kill(): void {
    const pid = this.#child?.pid ?? 0;
    try {
      if (pid > 0) Deno.kill(Deno.build.os === "windows" ? pid : -pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }

  /** Ends what runs and removes the copy. */
  [Symbol.dispose](): void {
    this.#kill();
    Deno.removeSync(this.#base, { recursive: true });
  }
}
