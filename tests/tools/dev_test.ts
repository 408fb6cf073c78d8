/** `deno task dev`, without a terminal. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PostView, StatusView } from "../../core/api.ts";
import { eventually, runProgram } from "../e2e/harness.ts";
import { readArguments } from "../../tools/dev.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The script with the permissions that its task gives it. */
function dev(...args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P=dev", "--no-prompt", "--cached-only", "tools/dev.ts", ...args],
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Reads until a text has come; resolves to all that was read. If it ends before, `errors` say why. */
async function readUntil(
  reader: ReadableStreamDefaultReader<string>,
  text: string,
  errors: Promise<string>,
): Promise<string> {
  let all = "";
  while (!all.includes(text)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`It ended without ${text}:\n${all}${await errors}`);
    all += value;
  }
  return all;
}

async function json<T>(data: string, ...args: readonly string[]): Promise<T> {
  const { code, out, err } = await runProgram(["--data", data, "--json", ...args]);
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

function isAlive(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}

Deno.test("dev starts peers that follow one another and have posted, and stops all of them", async () => {
  const folder = await Deno.makeTempDir({ prefix: "camellia dev " });
  const child = dev("--peers", "3", "--data", folder);
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const [early, late] = child.stderr.tee();
  const told = early.pipeThrough(new TextDecoderStream()).getReader();
  const errors = new Response(late).text();
  const pids: number[] = [];
  const end = async () => {
    // Where it has ended by itself, what the test met before says why, and not this.
    if (isAlive(child.pid)) child.kill("SIGINT");
    const { code } = await child.status;
    await Promise.all([lines.cancel(), told.cancel()]);
    await Deno.remove(folder, { recursive: true });
    return { code, errors: await errors };
  };
  try {
    const summary = await readUntil(lines, "Ctrl+C stops all of it.", errors);
    assert.match(summary, /^ {2}node +127\.0\.0\.1:\d+ +-$/m);
    for (const name of ["alice", "bob"]) {
      assert.match(
        summary,
        new RegExp(`^  ${name} +127\\.0\\.0\\.1:\\d+ +127\\.0\\.0\\.1:\\d+$`, "m"),
      );
      const data = join(folder, name);
      const { posts } = await eventually(
        `the posts that reach ${name}`,
        () => json<{ posts: PostView[] }>(data, "timeline"),
        ({ posts }) => posts.length >= 2,
      );
      assert.deepEqual(posts.map(({ author }) => author).sort(), ["alice", "bob"]);
      await eventually(
        `the nodes that ${name} knows`,
        () => json<StatusView>(data, "status"),
        ({ node }) => node.contacts >= 2,
      );
      pids.push(Number(await Deno.readTextFile(join(data, "lock"))));
    }
    assert.doesNotMatch(summary, /carol/);

    const second = await dev("--fresh", "--data", folder).output();
    assert.equal(second.code, 1);
    assert.match(new TextDecoder().decode(second.stderr), /^error: .*another network runs on/);
    assert.ok(pids.every(isAlive));
    Deno.kill(pids.at(-1) ?? 0, "SIGKILL");
    await readUntil(told, "\n", errors);
  } catch (error) {
    await end();
    throw error;
  }
  const ended = await end();
  assert.equal(ended.code, 0);
  // Windows knows no signals.
  const how = Deno.build.os === "windows" ? "has ended with exit code 1" : "was killed (SIGKILL)";
  assert.equal(ended.errors, `bob ${how}; see ${join(folder, "bob.log")}\n`);
  assert.deepEqual(pids.filter(isAlive), []);
});

Deno.test("dev says what is wrong with its arguments", () => {
  assert.deepEqual(readArguments([]), { peers: 5, fresh: false, data: undefined });
  assert.deepEqual(readArguments(["--peers", "12", "--fresh", "--data", "x"]), {
    peers: 12,
    fresh: true,
    data: "x",
  });
  assert.equal(readArguments(["--peers=0", "--help"]), "help");
  const wrong = [
    ["--peers", "0"],
    ["--peers", "13"],
    ["--peers", "x"],
    ["--peers"],
    ["--data", ""],
    [
      "more",
    ],
    ["--bogus"],
  ];
  for (const args of wrong) assert.ok(readArguments(args) instanceof Error, args.join(" "));
});
