#!/usr/bin/env node
/**
 * Starts Camellia from its npm package: runs the Deno that was installed with it, with the permissions that
 * the package's deno.json names, and ends as it ends.
 *
 * This file runs in Node.js. It is the package's command, `camellia`.
 */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));

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
  "--v8-flags=--memory-saver-mode,--max-semi-space-size=1",
  // Everything comes with the package: nothing is looked for anywhere else, and nothing is fetched.
  "--node-modules-dir=manual",
  "--no-remote",
  "--no-lock",
  "--no-prompt",
  "--permission-set=camellia",
  `--config=${join(folder, "deno.json")}`,
  join(folder, "main.js"),
];

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
