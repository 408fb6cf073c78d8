import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import denoConfig from "../../deno.json" with { type: "json" };
import { compileArguments } from "../../tools/compile.ts";
import { targets } from "../../tools/targets.ts";
import { editors, stopper } from "../../ui/terminal/outside.ts";
import { openers } from "../../ui/terminal/openers.ts";
import { serviceTools } from "../../ui/shell/services.ts";
import { walk } from "../walk.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { camellia } = denoConfig.permissions;

/** What the terminal is like: read by Deno and the prompts. */
const terminalNames = ["COLORTERM", "NODE_DISABLE_COLORS", "TERM_PROGRAM", "TMUX"];

/** The names of the operating system's calls that need a permission, as the sources use them. */
const systemCalls: Readonly<Record<string, RegExp>> = {
  networkInterfaces: /Deno\.networkInterfaces/,
  statfs: /\bstatfs\(/,
  uid: /Deno\.uid\(/,
};

/** Runs code with the permissions of the task; resolves to what it printed, in lines. */
async function withPermissions(code: string): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/code.ts`, code);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "-P=camellia",
        "--no-prompt",
        "--config",
        "deno.json",
        `${folder}/code.ts`,
      ],
      cwd: root,
      env: { NO_COLOR: "1", SECRET_OF_ANOTHER_PROGRAM: "secret" },
    }).output();
    const decoder = new TextDecoder();
    const text = decoder.decode(stdout);
    assert.notEqual(text, "", decoder.decode(stderr));
    return text.trim().split("\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("The program may ask for the variables and system calls that it uses, and for no others", async () => {
  let sources = "";
  for await (const path of walk(["core", "lib", "net", "storage", "ui"], ".ts")) {
    sources += await Deno.readTextFile(`${root}${path}`);
  }
  const asked = [...sources.matchAll(/\benv\("([A-Z_]+)"\)|"(CAMELLIA_[A-Z_]+)"/g)]
    .map(([, name, own]) => name ?? own ?? "");
  assert.deepEqual(camellia.env.allow, [...new Set([...asked, ...terminalNames])].sort());
  assert.equal(camellia.env.ignore, true);
  assert.deepEqual(camellia.run, [...serviceTools, ...editors, ...openers, stopper].sort());
  // Node's code asks for the release of Windows, to learn how many colours its terminal has.
  const used = Object.keys(systemCalls).filter((name) => systemCalls[name]?.test(sources));
  assert.deepEqual(camellia.sys, [...used, "osRelease"].sort());
  assert.deepEqual(Object.keys(camellia).sort(), [
    "env",
    "ffi",
    "net",
    "read",
    "run",
    "sys",
    "write",
  ]);
});

Deno.test("The executable may do what the task may", async () => {
  const [target] = targets;
  assert.ok(target);
  const flags = (await compileArguments("camellia", target)).filter((flag) =>
    /^--(allow|ignore)/.test(flag)
  );
  assert.deepEqual(flags, [
    "--allow-read",
    "--allow-write",
    "--allow-net",
    "--allow-ffi",
    // Where the addon is unpacked to is said in a variable.
    `--allow-env=${camellia.env.allow},TMPDIR`,
    "--ignore-env",
    `--allow-run=${camellia.run}`,
    `--allow-sys=${camellia.sys}`,
  ]);
  assert.match(denoConfig.tasks.camellia.command, / -P=camellia --no-prompt main\.ts$/);
});

Deno.test("Attack: code in the peer starts programs, reads other programs' variables, rewrites the program", async () => {
  const lines = await withPermissions(`
    const refused = async (what, act) => {
      try {
        console.log(what, await act());
      } catch (error) {
        console.log(what, error.name);
      }
    };
    await refused("env", () => Deno.env.get("SECRET_OF_ANOTHER_PROGRAM"));
    await refused("run", () => new Deno.Command("true").output());
    await refused("hostname", () => Deno.hostname());
    await refused("import", () => import("https://code.invalid/x.ts"));
    for (const path of ["main.ts", "composition.ts", "core/x.ts", "net/links/x.ts", "deno.json", ".git/hooks/x"]) {
      await refused(path, () => Deno.writeTextFile(path, "", { append: true, create: false }));
    }
  `);
  assert.deepEqual(lines.slice(0, 3), ["env undefined", "run NotCapable", "hostname NotCapable"]);
  assert.match(lines[3] ?? "", /^import (TypeError|NotCapable)$/);
  for (const line of lines.slice(4)) assert.match(line, / NotCapable$/);
  assert.equal(lines.length, 10);
});

Deno.test("Attack: code in the peer loads a library or manages services, and cannot once the peer has its libraries", async () => {
  const lines = await withPermissions(`
    import { loadLibraries, openLocked } from "${new URL("../../composition.ts", import.meta.url)}";
    import { DataFolder } from "${new URL("../../storage/data_folder.ts", import.meta.url)}";
    import { borrowPoller } from "${new URL("../../net/links/poller.ts", import.meta.url)}";
    await loadLibraries(".");
    try {
      Deno.dlopen("libc.so.6", { system: { parameters: ["buffer"], result: "i32" } });
      console.log("loaded");
    } catch (error) {
      console.log(error.name);
    }
    const folder = await openLocked(await DataFolder.open(await Deno.makeTempDir()));
    // It fails for want of settings, and has given up the programs by then.
    await folder.start(undefined, () => {}).catch(() => {});
    await folder.close();
    await Deno.remove(folder.path, { recursive: true });
    try {
      await new Deno.Command("systemctl", { args: ["--version"] }).output();
      console.log("started");
    } catch (error) {
      console.log(error.name);
    }
    const poller = borrowPoller();
    if (Deno.build.os === "linux") console.log(poller === undefined ? "no poller" : "poller");
    Deno.exit();
  `);
  const expected = Deno.build.os === "linux"
    ? ["NotCapable", "NotCapable", "poller"]
    : ["NotCapable", "NotCapable"];
  assert.deepEqual(lines, expected);
});

Deno.test("A Worker that was started before the peer has its libraries gives up what the peer gives up", async () => {
  const lines = await withPermissions(`
    import { loadLibraries } from "${new URL("../../composition.ts", import.meta.url)}";
    const code = "self.onmessage = async () => self.postMessage(" +
      "(await Deno.permissions.query({ name: 'ffi' })).state);";
    const worker = new Worker("data:text/javascript," + encodeURIComponent(code), { type: "module" });
    const ask = () => new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage(undefined);
    });
    console.log(await ask());
    await loadLibraries(".");
    console.log(await ask());
    Deno.exit();
  `);
  assert.deepEqual(lines, ["granted", "prompt"]);
});

Deno.test("A command that talks to a running peer loads no library from then on, and runs no peer", async () => {
  const lines = await withPermissions(`
    import { createHost } from "${new URL("../../main.ts", import.meta.url)}";
    const host = await createHost();
    host.giveUpLibraries();
    console.log(Deno.permissions.querySync({ name: "ffi" }).state);
    const folder = await Deno.makeTempDir();
    for (let i = 0; i < 2; i++) {
      console.log(await host.openFolder(folder).catch(({ code }) => code));
    }
    await Deno.remove(folder, { recursive: true });
  `);
  assert.deepEqual(lines, ["prompt", "no_peer", "no_peer"]);
});

Deno.test("Help, version and wrong usage load no library", async () => {
  for (const [args, expected] of [[["--version"], 0], [["--help"], 0], [["wrong"], 2]] as const) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "--no-prompt", "--allow-read", "--allow-env", "main.ts", ...args],
      cwd: root,
    }).output();
    assert.equal(code, expected, new TextDecoder().decode(stderr));
  }
});
