import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  compileArguments,
  executableProblem,
  idleFiles,
  lateModules,
  readCompileArguments,
} from "../../tools/compile.ts";
import denoConfig from "../../deno.json" with { type: "json" };
import { headBytes, machineOf, targetProblem } from "../../tools/executables.ts";
import { ownTarget, targetNamed, targets } from "../../tools/targets.ts";
import { tryOut } from "../../tools/trial.ts";
import { v8Flags } from "../../tools/v8_flags.ts";

const here = ownTarget() ?? targets[0];
assert.ok(here);
const machine = here;

const root = fileURLToPath(new URL("../..", import.meta.url));
const decoder = new TextDecoder();

interface Output {
  readonly code: number;
  readonly text: string;
}

async function compile(args: readonly string[], env: Record<string, string> = {}): Promise<Output> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: root,
    env: { NO_COLOR: "1", ...env },
  }).output();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Why the base runtime is not to be had, or undefined when it is: DENORT_BIN, the cache, or the network. */
async function baseRuntimeProblem(): Promise<string | undefined> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/empty.ts`, "");
    const { code, text } = await compile([
      "compile",
      "-o",
      `${folder}/empty`,
      `${folder}/empty.ts`,
    ]);
    if (code !== 0) return text.includes("base binary") ? "no base runtime (denort)" : text;
    const run = await new Deno.Command(`${folder}/empty`).output();
    return run.code === 0 ? undefined : "the base runtime does not run";
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const problem = await baseRuntimeProblem();

Deno.test("Compile embeds config.ini, every Worker's file and one zeromq addon alone", async () => {
  assert.ok((await lateModules()).length > 0);
  assert.ok((await idleFiles(machine)).length > 5);
  const folder = await Deno.makeTempDir();
  try {
    // What is embedded does not depend on the base: the running deno stands in for it.
    const { code, text } = await compile(await compileArguments(`${folder}/camellia`, machine), {
      DENORT_BIN: Deno.execPath(),
    });
    assert.equal(code, 0, text);
    for (const path of ["config.ini", ...await lateModules()]) {
      // A folder all of whose files are embedded is listed as `folder/*`.
      const [file = "", folder = ""] = path.split("/").reverse();
      const listed = [`── ${file} `, `── ${folder}/* `].some((line) => text.includes(line));
      assert.ok(listed, path);
    }
    const megabytes = Number(/^Files: ([\d.]+)MB$/m.exec(text)?.[1]);
    assert.ok(megabytes < 16, `${megabytes} MB are embedded`);
    // `deno compile` reported success; that the base is no denort shows when it runs.
    const said = await executableProblem(`${folder}/camellia`, machine);
    assert.match(said ?? "", /^--version says .*, not \d/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Compile says what is wrong with its arguments and with DENORT_BIN", async () => {
  const script = ["run", "-q", "-P=compile", "tools/compile.ts"];
  const wrong = await compile([...script, "--otput", "x"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.text, /^error: .*--otput.*\nUsage: /);
  const folder = await Deno.makeTempDir();
  try {
    const { code, text } = await compile([...script, "--output", `${folder}/camellia`], {
      DENORT_BIN: `${folder}/nothing`,
    });
    assert.equal(code, 1);
    assert.match(text, /DENORT_BIN names no file/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "Compile says what to do when the base runtime cannot be had",
  ignore: problem === undefined,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const args = [
        "run",
        "-q",
        "-P=compile",
        "tools/compile.ts",
        "--output",
        `${folder}/camellia`,
      ];
      const { code, text } = await compile(args);
      assert.equal(code, 1);
      assert.match(text, /DENORT_BIN/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: `Executable registers and posts in an empty folder${
    problem === undefined ? "" : ` (ignored: ${problem})`
  }`,
  ignore: problem !== undefined,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const built = await compile(await compileArguments(`${folder}/camellia`, machine));
      assert.equal(built.code, 0, built.text);
      assert.equal(await executableProblem(`${folder}/camellia`, machine), undefined);
      const { arrived } = await tryOut([`${folder}/camellia`]);
      assert.equal(arrived, "hello from an empty folder");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("Each target's executable has an addon of its own, and no other", async () => {
  const addons = (paths: readonly string[]) => paths.filter((path) => path.endsWith(".node"));
  const left = new Set<string>();
  const all = new Set<string>();
  for (const target of targets) {
    for (const path of addons(await idleFiles(target))) all.add(path);
  }
  for (const target of targets) {
    const idle = new Set(addons(await idleFiles(target)));
    const kept = [...all].filter((path) => !idle.has(path));
    assert.equal(kept.length, 1, target.name);
    assert.ok(kept[0]?.includes(`/build/${target.os}/${target.arch}/`), kept[0]);
    left.add(kept[0] ?? "");
    const args = await compileArguments("camellia", target);
    assert.equal(args.includes(`--target=${target.triple}`), target !== ownTarget());
  }
  assert.equal(left.size, targets.length);
});

Deno.test("Compile builds for this machine, one target, or all", () => {
  const read = (...args: string[]) => {
    const wanted = readCompileArguments(args);
    return wanted instanceof Error
      ? wanted.message
      : wanted.map(({ target, output }) => `${target.name} ${output}`);
  };
  assert.deepEqual(read("--target", "windows-x64"), ["windows-x64 dist/camellia-windows-x64"]);
  assert.deepEqual(read("--target=aarch64-apple-darwin", "--output=x"), ["macos-arm64 x"]);
  assert.equal(read("--all").length, targets.length);
  assert.match(String(read("--all", "--output=x")), /names of their own/);
  assert.match(String(read("--target", "amiga")), /no target amiga/);
});

Deno.test("An executable's first bytes tell the machine that it is for", async () => {
  const head = (write: (view: DataView) => void) => {
    const bytes = new Uint8Array(headBytes);
    write(new DataView(bytes.buffer));
    return bytes;
  };
  const elf = (machine: number) =>
    head((view) => (view.setUint32(0, 0x7f454c46), view.setUint16(18, machine, true)));
  const mach = (type: number) =>
    head((view) => (view.setUint32(0, 0xfeedfacf, true), view.setUint32(4, type, true)));
  const pe = (machine: number, at = 128) =>
    head((view) => {
      view.setUint16(0, 0x4d5a);
      view.setUint32(60, at, true);
      if (at + 6 > headBytes) return;
      view.setUint32(at, 0x50450000);
      view.setUint16(at + 4, machine, true);
    });
  assert.equal(machineOf(elf(62)), "linux-x64");
  assert.equal(machineOf(elf(183)), "linux-arm64");
  assert.equal(machineOf(elf(8)), undefined);
  assert.equal(machineOf(mach(0x01000007)), "darwin-x64");
  assert.equal(machineOf(mach(0x0100000c)), "darwin-arm64");
  assert.equal(machineOf(pe(0x8664)), "win32-x64");
  assert.equal(machineOf(pe(0x8664, headBytes - 4)), undefined);
  assert.equal(machineOf(new Uint8Array(headBytes)), undefined);
  assert.equal(machineOf(new Uint8Array(3)), undefined);
  const windows = targetNamed("windows-x64");
  assert.ok(windows);
  assert.equal(targetProblem(pe(0x8664), windows), undefined);
  assert.equal(targetProblem(elf(62), windows), "it is for linux-x64, not for windows-x64");
  assert.equal(targetProblem(head(() => {}), windows), "it is no executable, not for windows-x64");
  using deno = await Deno.open(Deno.execPath());
  const own = new Uint8Array(headBytes);
  await deno.read(own);
  assert.equal(machineOf(own), `${machine.os}-${machine.arch}`);
});

Deno.test("The task and the executable tell V8 the same", async () => {
  assert.ok(denoConfig.tasks.camellia.command.split(" ").includes(v8Flags));
  assert.ok((await compileArguments("camellia", machine)).includes(v8Flags));
});
