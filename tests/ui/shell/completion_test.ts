import assert from "node:assert/strict";
import { join } from "node:path";
import { type Shell, shells } from "../../../ui/shell/names.ts";
import { Machine } from "../fake_io.ts";

/** Whether a program is installed. */
function isThere(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

async function scriptOf(shell: Shell): Promise<string> {
  const { code, out } = await new Machine().run("completion", shell);
  assert.equal(code, 0);
  return out;
}

/** A shell that has read the script. What the program prints for `__complete` is a function's there. */
class ReadyShell implements AsyncDisposable {
  readonly #shell: Shell;
  readonly #folder: string;

  private constructor(shell: Shell, folder: string) {
    this.#shell = shell;
    this.#folder = folder;
  }

  static async open(shell: Shell): Promise<ReadyShell> {
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(join(folder, "script"), await scriptOf(shell));
    await Deno.writeTextFile(join(folder, "notes.txt"), "");
    await Deno.mkdir(join(folder, "nested"));
    return new ReadyShell(shell, folder);
  }

  async run(...args: string[]): Promise<string> {
    const program = new Deno.Command(this.#shell, {
      args,
      cwd: this.#folder,
      env: { HOME: this.#folder, TERM: "dumb" },
    });
    const { stdout, stderr } = await program.output();
    assert.equal(new TextDecoder().decode(stderr), "", args.join(" "));
    return new TextDecoder().decode(stdout);
  }

  /** What is offered at the end of each line. */
  async offers(lines: readonly string[]): Promise<string[][]> {
    const answer = 'echo bob; echo bonnie; [[ "$*" == *--data* ]] && echo "bo$4"; true';
    const parts: Record<Shell, [begin: string, line: (words: string[]) => string]> = {
      bash: [
        `camellia() { ${answer}; }; source ./script`,
        (words) =>
          `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); ` +
          `COMP_CWORD=${words.length - 1}; _camellia; printf '%s ' "\${COMPREPLY[@]}"; echo`,
      ],
      zsh: [
        `compdef() { }; compadd() { shift; print -n -- "$@ " }; _files() { print -n "files$1 " }; ` +
        `camellia() { ${answer} }; source ./script`,
        (words) =>
          `words=(${words.map((word) => `'${word}'`).join(" ")}); ` +
          `CURRENT=${words.length}; _camellia; print`,
      ],
      fish: [
        "function camellia; echo bob; echo bonnie; " +
        "contains -- --data $argv; and echo bo$argv[4]; end; source ./script",
        (words) => `echo (complete -C '${words.join(" ")}' | string split -f1 \\t)`,
      ],
    };
    const [begin, line] = parts[this.#shell];
    const script = [begin, ...lines.map((text) => line(text.split(" ")))].join("\n");
    const flags = { bash: ["--norc"], zsh: ["-f"], fish: ["--no-config"] }[this.#shell];
    const out = await this.run(...flags, "-c", script);
    const last = (text: string) => text.split(" ").at(-1)?.split("=").at(-1) ?? "";
    const rows = out.split("\n");
    return lines.map((text, at) =>
      (rows[at] ?? "").split(" ").filter((word) => word !== "" && word.startsWith(last(text)))
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

for (const shell of shells) {
  const ignore = !isThere(shell);
  const why = ignore ? ` (ignored: there is no ${shell} here)` : "";
  Deno.test({
    name: `The script for ${shell} completes commands, flags, names and files${why}`,
    ignore,
    async fn() {
      await using ready = await ReadyShell.open(shell);
      await ready.run("-n", "./script");
      const cases: readonly [line: string, offered: readonly string[]][] = [
        ["camellia po", ["post"]],
        ["camellia --json po", ["post"]],
        ["camellia --user post acc", ["account"]],
        ["camellia account ex", ["export"]],
        ["camellia timeline --li", ["--limit", "--listening-ip", "--listening-port"]],
        ["camellia post --reply-to bob/1 --js", ["--json", "--jsonl"]],
        ["camellia follow b", ["bob", "bonnie"]],
        ["camellia --data /x follow b", ["bob", "bonnie", "bo/x"]],
        ["camellia unfollow --json bon", ["bonnie"]],
        ["camellia timeline --author bo", ["bob", "bonnie"]],
        ["camellia node --log-level de", ["debug"]],
        ["camellia completion z", ["zsh"]],
        ["camellia help ti", ["timeline"]],
      ];
      const offered = await ready.offers(cases.map(([line]) => line));
      for (const [at, [line, wanted]] of cases.entries()) {
        assert.deepEqual((offered[at] ?? []).sort(), [...wanted].sort(), line);
      }
    },
  });
}

Deno.test({
  name: "The script for bash completes files and folders",
  ignore: !isThere("bash"),
  async fn() {
    await using ready = await ReadyShell.open("bash");
    const offered = await ready.offers([
      "camellia account import no",
      "camellia whoami --data n",
      "camellia --config n",
      "camellia --log-level = in",
    ]);
    assert.deepEqual(offered, [["notes.txt"], ["nested"], ["nested", "notes.txt"], ["info"]]);
  },
});

Deno.test("Names come from the running peer at once, and none where no peer runs", async () => {
  const m = await Machine.withAlice();
  const names = () => m.run("__complete", "users");
  assert.deepEqual(await names(), { code: 0, out: "", err: "" });
  assert.equal(m.host.started.length, 1, "no peer is started for it");
  m.host.prepare = (peer) => ["dave", "bob"].forEach((name) => peer.following.add(name));
  const up = m.start("up", "--json");
  await up.io.until(() => up.io.stdout.includes("ready"));
  assert.deepEqual(await names(), { code: 0, out: "bob\ndave\n", err: "" });
  assert.deepEqual(await m.run("__complete", "nonsense"), { code: 0, out: "", err: "" });
  up.io.interrupt();
  assert.equal(await up.ended, 0);
  m.writeFile("/data/peer.json", JSON.stringify({ port: 9, token: "a".repeat(64) }));
  assert.deepEqual(await names(), { code: 0, out: "", err: "" });
  m.writeFile("/data/peer.json", "nonsense");
  assert.deepEqual(await names(), { code: 0, out: "", err: "" });
});

Deno.test("No help, script or manual lists the hidden command", async () => {
  const m = new Machine();
  assert.doesNotMatch((await m.run("help")).out, /__complete/);
  assert.doesNotMatch((await m.run("man")).out, /__complete/);
  assert.doesNotMatch((await m.run("__complte")).err, /Did you mean __/);
});
