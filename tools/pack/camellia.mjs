#!/usr/bin/env node
/**
 * Starts Camellia from its npm package: runs the Deno that was installed with it, with the permissions that
 * the package's deno.json names, and ends as it ends.
 *
 * It is the package's command, `camellia`. Node.js runs it the first time, which takes several times as long as
 * Deno takes to start. From then on it is a shell script: see `settle`.
 */

import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const own = fileURLToPath(import.meta.url);
const folder = dirname(own);

/** The executable in the package of Deno for this machine. */
function findDeno() {
  const { platform, arch } = process;
  const system = platform === "linux" ? `linux-${arch}-glibc` : `${platform}-${arch}`;
  // npm may have put Deno's packages beside this one or below it.
  const fromDeno = createRequire(createRequire(import.meta.url).resolve("deno/package.json"));
  const name = platform === "win32" ? "deno.exe" : "deno";
  const path = join(dirname(fromDeno.resolve(`@deno/${system}/package.json`)), name);
  if (!existsSync(path)) throw new Error(`${path} is missing`);
  return path;
}

/** The arguments before those of the user. */
const fixed = [
  "run",
  "--quiet",
  "--v8-flags=--memory-saver-mode,--max-semi-space-size=1,--no-parallel-scavenge,--gc-memory-reducer-start-delay-ms=5000,--no-memory-pool-share-memory-on-teardown",
  // Everything comes with the package: nothing is looked for anywhere else, and nothing is fetched.
  "--node-modules-dir=manual",
  "--no-remote",
  "--no-lock",
  "--no-prompt",
  "--permission-set=camellia",
  `--config=${join(folder, "deno.json")}`,
  join(folder, "main.js"),
];

/** A word for the shell. */
function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Whether a path stays in one line, for the shell and for Node.js. */
function isOneLine(path) {
  return !/[\p{Cc}\u2028\u2029]/u.test(path);
}

/** This file as a shell script that starts Deno, and that Node.js still runs as it does now. */
function asScript(deno, text) {
  const rest = text.replace(/^#!.*\n(?:":" \/\/.*\n)?/, "");
  const start = [deno, ...fixed].map(quote).join(" ");
  // To Node.js the line is a string and a comment. Where Deno is not there any more, or this file is a copy of
  // the one that was settled, Node.js looks again.
  return `#!/bin/sh\n":" //; [ "$0" -ef ${quote(own)} ] && [ -x ${quote(deno)} ] && ` +
    `export DENO_NO_UPDATE_CHECK=1 && exec ${start} "$@"; exec node "$0" "$@"\n${rest}`;
}

/**
 * Changes the beginning of this file, so that the shell starts Deno from now on. npm takes what starts a command
 * from its first line on Windows as well, where there is no shell, so it is published for Node.js. Where the
 * file is not the user's own or cannot be written, all stays as it is.
 */
function settle(deno) {
  const draft = `${own}.${process.pid}`;
  try {
    const { uid, mode } = statSync(own);
    const text = readFileSync(own, "utf8");
    const script = asScript(deno, text);
    // A file of another user stays that user's.
    if (text === script || uid !== process.getuid() || !isOneLine(own + deno)) return;
    try {
      writeFileSync(draft, script, { flag: "wx" });
      // As it was, whatever this user takes from new files.
      chmodSync(draft, mode);
      renameSync(draft, own);
    } finally {
      rmSync(draft, { force: true });
    }
  } catch {
    // Node.js goes on starting it.
  }
}

let deno;
try {
  deno = findDeno();
} catch (error) {
  process.stderr.write(
    `camellia: Cannot find Deno for ${process.platform} on ${process.arch}: ${error.message}.\n` +
      "Install the package again, with its optional dependencies. Deno runs on Linux (glibc), macOS and\n" +
      "Windows, on x64 and arm64.\n",
  );
  process.exit(1);
}

if (process.platform !== "win32") settle(deno);

const args = [...fixed, ...process.argv.slice(2)];
const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1" };

// From Node.js 22.15 on: Deno takes this process over, so that no second one waits for it.
if (process.platform !== "win32" && typeof process.execve === "function") {
  process.execve(deno, [deno, ...args], env);
}

const child = spawn(deno, args, { stdio: "inherit", env });

child.on("error", (error) => {
  process.stderr.write(`camellia: Cannot start ${deno}: ${error.message}\n`);
  process.exit(1);
});

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(name, () => {
    // A terminal sends its signals to both; a second one would end the program at once, unready.
    if (process.stdin.isTTY && name !== "SIGTERM") return;
    child.kill(name);
  });
}

child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  // As a shell tells it: 128 and the number of the signal.
  process.exit(128 + (constants.signals[signal] ?? 0));
});
