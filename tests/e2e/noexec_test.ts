/** A file system that lets no program be run from it, in a mount namespace of the test's own. */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { addonFailure } from "../../storage/addon_folder.ts";
import { inFolder } from "../storage/folder.ts";
import { runProgram } from "./harness.ts";

/** Takes away, for the command behind it, the right to run what lies in a folder. */
const mount = 'mount --bind "$1" "$1" && mount -o remount,bind,noexec "$1" && shift && exec "$@"';

function without(folder: string): string[] {
  return ["unshare", "--mount", "sh", "-c", mount, "sh", folder];
}

let canMount = false;
await inFolder(async (folder) => {
  const [, ...args] = [...without(folder), "true"];
  const tried = new Deno.Command("unshare", { args, stderr: "null" }).output();
  canMount = await tried.then(({ success }) => success, () => false);
});

Deno.test({
  name: "On a file system without the right to run programs, the person is told so" +
    (canMount ? "" : " (ignored: mounting needs Linux, root and unshare)"),
  ignore: !canMount,
  fn: () =>
    inFolder(async (folder) => {
      const zeromq = dirname(dirname(fileURLToPath(import.meta.resolve("zeromq"))));
      const place = ["--data", join(folder, "data"), "--ntp-server", "none", "--init", "--json"];
      const loopback = ["--ip", "127.0.0.1", "-p", "0", "-l", "0"];
      const { code, err } = await runProgram(["register", "alice", ...place, ...loopback], {
        inside: without(zeromq),
      });
      assert.equal(code, 1, err);
      // What looks for the addon in a checkout warns first, in words of its own.
      const { error } = JSON.parse(err.trim().split("\n").at(-1) ?? "");
      assert.equal(error.code, "addon_failed", err);
      assert.match(error.message, /^Cannot load zeromq: .*mounted noexec.*Put the program/);
    }),
});

Deno.test("Where the system names the addon, the person is told which; other failures stay what they are", () => {
  const path = "/opt/a b/linux-x64.node";
  const why = "failed to map segment from shared object";
  const told = addonFailure(new TypeError(`${path}: ${why}\n  path: ${path}`));
  assert.match(String(told), /Cannot load \/opt\/a b\/linux-x64\.node: .*mounted noexec/);
  const other = new Error("/opt/x.node: invalid ELF header\n  path: /opt/x.node");
  assert.equal(addonFailure(other), other);
});
