/**
 * Tries out an installed or compiled Camellia: two peers on loopback, in an empty folder, register, follow
 * and post.
 *
 * The environment has nothing of the caller's but where programs are, so caches are empty, too.
 *
 * @module
 */

import { join } from "node:path";
import denoConfig from "../deno.json" with { type: "json" };

/** What was tried, and how long the start took. */
export interface Trial {
  /** Milliseconds of `--version`, with caches that the first start has filled. */
  readonly startMs: number;
  /** The text that arrived. */
  readonly arrived: string;
}

/** For any single command, and for what is waited for: a slow machine's start and a derivation of keys. */
const waitMsMax = 60_000;

/** Between two looks at what is waited for. */
const lookMs = 200;

/** Good enough for the judge of passwords, and nobody's. */
const password = "a long walk under seven camellias";

const decoder = new TextDecoder();

/** A folder and the program that is tried in it. */
class Place {
  readonly #command: readonly string[];
  readonly #folder: string;

  constructor(command: readonly string[], folder: string) {
    this.#command = command;
    this.#folder = folder;
  }

  /** The command with its arguments, in the folder and with nothing of the caller's. */
  prepare(args: readonly string[]): Deno.Command {
    const [name = "", ...rest] = [...this.#command, ...args];
    const env: Record<string, string> = {
      HOME: this.#folder,
      USERPROFILE: this.#folder,
      LOCALAPPDATA: this.#folder,
      CAMELLIA_PASSWORD: password,
      NO_COLOR: "1",
    };
    for (const each of ["PATH", "SystemRoot", "TEMP", "TMPDIR"]) {
      const value = Deno.env.get(each);
      if (value !== undefined) env[each] = value;
    }
    return new Deno.Command(name, {
      args: rest,
      cwd: this.#folder,
      clearEnv: true,
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }

  /** Runs a command to its end; resolves to what it printed. */
  async run(...args: readonly string[]): Promise<string> {
    const child = this.prepare(args).spawn();
    const timer = setTimeout(() => child.kill("SIGKILL"), waitMsMax);
    const { code, stdout, stderr } = await child.output().finally(() => clearTimeout(timer));
    if (code === 0) return decoder.decode(stdout);
    const why = decoder.decode(stderr) || decoder.decode(stdout);
    throw new Error(`camellia ${args.at(-1)} ended with ${code}: ${why.slice(0, 2000)}`);
  }
}

/** The flags of a peer on loopback with a data folder of its own. */
function flags(data: string, bootstrap?: string): string[] {
  const network = ["--ip", "127.0.0.1", "-p", "0", "--listening-ip", "127.0.0.1", "-l", "0"];
  const first = bootstrap === undefined ? ["--init"] : ["--bootstrap", bootstrap];
  return ["--data", data, ...network, "--ntp-server", "none", "--json", ...first];
}

/** Asks until the answer is there. */
async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + waitMsMax;
  let last: unknown = "nothing came";
  while (Date.now() < end) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
  throw new Error(`Waited in vain for ${what}`, { cause: last });
}

/** The first line that a stream brings; the rest is read and thrown away. */
async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  while (!text.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The peer ended at once: ${text}`);
    text += value;
  }
  const drain = async (): Promise<void> => (await reader.read()).done ? undefined : await drain();
  drain().catch(() => {});
  return text.slice(0, text.indexOf("\n"));
}

/** A user's peer that runs until it is disposed. */
async function startPeer(place: Place, name: string, data: string, bootstrap?: string) {
  const args = flags(data, bootstrap);
  await place.run(...args, "register", name);
  const child = place.prepare([...args, "up", "--user", name]).spawn();
  child.stderr.pipeTo(new WritableStream()).catch(() => {});
  const { udp } = JSON.parse(await firstLine(child.stdout));
  return {
    address: `${udp.ip}:${udp.port}`,
    run: (...rest: readonly string[]): Promise<string> => place.run(...args, ...rest),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), waitMsMax);
      const { code } = await child.status.finally(() => clearTimeout(timer));
      if (code !== 0) throw new Error(`${name}'s peer ended with ${code} when it was told to`);
    },
  };
}

/**
 * Tries out the program that a command starts.
 *
 * @param command The program and its first arguments, with absolute paths.
 * @throws {Error} With what was tried, if it does not do what it should.
 */
export async function tryOut(command: readonly string[]): Promise<Trial> {
  const folder = await Deno.makeTempDir();
  try {
    const place = new Place(command, folder);
    const version = (await place.run("--version")).trim();
    if (version !== denoConfig.version) throw new Error(`--version says ${version}`);
    const begun = performance.now();
    await place.run("--version");
    const startMs = Math.round(performance.now() - begun);
    await using alice = await startPeer(place, "alice", join(folder, "a"));
    await using bob = await startPeer(place, "bob", join(folder, "b"), alice.address);
    await bob.run("follow", "alice");
    const text = "hello from an empty folder";
    await alice.run("post", text);
    const arrived = await until("the post on bob's timeline", async () => {
      const timeline = await bob.run("timeline");
      return timeline.includes(text) ? text : undefined;
    });
    return { startMs, arrived };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

// Alone, so that it can be started in a network namespace: prints the trial as JSON.
if (import.meta.main) {
  const trial = await tryOut(Deno.args);
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(trial)}\n`));
}
