import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { compileArguments, idleFiles, workerFiles } from "../../tools/compile.ts";
import denoConfig from "../../deno.json" with { type: "json" };
import { v8Flags } from "../../tools/v8_flags.ts";

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
  assert.ok((await workerFiles()).length > 0);
  assert.ok((await idleFiles()).length > 5);
  const folder = await Deno.makeTempDir();
  try {
    // What is embedded does not depend on the base: the running deno stands in for it.
    const { code, text } = await compile(await compileArguments(`${folder}/camellia`), {
      DENORT_BIN: Deno.execPath(),
    });
    assert.equal(code, 0, text);
    for (const path of ["config.ini", ...await workerFiles()]) {
      // A folder all of whose files are embedded is listed as `folder/*`.
      const [file = "", folder = ""] = path.split("/").reverse();
      const listed = [`── ${file} `, `── ${folder}/* `].some((line) => text.includes(line));
      assert.ok(listed, path);
    }
    const megabytes = Number(/^Files: ([\d.]+)MB$/m.exec(text)?.[1]);
    assert.ok(megabytes < 16, `${megabytes} MB are embedded`);
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
      const built = await compile(await compileArguments(`${folder}/camellia`));
      assert.equal(built.code, 0, built.text);
      const run = async (...args: string[]): Promise<unknown> => {
        const common = ["--data", `${folder}/data`, "--ip", "127.0.0.1", "--port", "0"];
        const links = [
          "--listening-ip",
          "127.0.0.1",
          "--listening-port",
          "0",
          "--ntp-server",
          "none",
        ];
        const output = await new Deno.Command(`${folder}/camellia`, {
          args: [...common, ...links, "--init", "--json", ...args],
          cwd: folder,
          env: { CAMELLIA_PASSWORD: "a long walk under seven camellias" },
        }).output();
        assert.equal(output.code, 0, decoder.decode(output.stderr));
        return JSON.parse(decoder.decode(output.stdout));
      };
      const user = await run("register", "alice") as { username: string };
      assert.equal(user.username, "alice");
      const { post } = await run("post", "hello from the executable") as { post: { text: string } };
      assert.equal(post.text, "hello from the executable");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("The task and the executable tell V8 the same", async () => {
  assert.ok(denoConfig.tasks.camellia.command.split(" ").includes(v8Flags));
  assert.ok((await compileArguments("camellia")).includes(v8Flags));
});
