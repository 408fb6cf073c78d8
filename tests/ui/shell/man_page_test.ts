import assert from "node:assert/strict";
import { join } from "node:path";
import { manPage } from "../../../ui/shell/man_page.ts";
import { Machine } from "../fake_io.ts";

const isManThere = await new Deno.Command("man", { args: ["--version"], stdout: "null" }).output()
  .then(({ success }) => success, () => false);

Deno.test("The manual names every command and flag that the help names", async () => {
  const m = new Machine();
  const page = (await m.run("man")).out.replaceAll("\\-", "-");
  const help = (await m.run("help")).out;
  const commands = [...help.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name)
    .filter((name) => name !== "camellia");
  assert.ok(commands.length > 15, help);
  for (const name of commands) assert.match(page, new RegExp(`^\\.SS camellia ${name}\\b`, "m"));
  for (const [flag] of help.matchAll(/--[a-z-]+/g)) assert.ok(page.includes(flag), flag);
  assert.match(page, /^\.SS camellia account export <file>$/m);
});

Deno.test("Nothing in a text is a request or an escape of troff", () => {
  const page = manPage(
    {
      name: "camellia",
      description: ".so /etc/passwd\n'quoted' %A\\b",
      flags: [],
      arguments: [],
      commands: [],
    },
    { version: "1", sections: [], examples: [".bad"] },
  );
  assert.match(page, /^\\&\.so \/etc\/passwd$/m);
  assert.match(page, /^\\\(aqquoted\\\(aq %A\\eb$/m);
  assert.match(page, /^\\&\.bad$/m);
});

Deno.test({
  name: `man(1) shows the page without a complaint${
    isManThere ? "" : " (ignored: there is no man)"
  }`,
  ignore: !isManThere,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const m = new Machine();
      const made = join(folder, "man1");
      const file = join(made, "camellia.1");
      assert.deepEqual(await m.json("man", made), { file });
      const { stdout, stderr, success } = await new Deno.Command("man", {
        args: ["--warnings=w", "-l", file],
        env: { LC_ALL: "C.UTF-8", MANWIDTH: "100" },
      }).output();
      assert.deepEqual([success, new TextDecoder().decode(stderr)], [true, ""]);
      // A page that comes out of a pipe has letters struck twice where they are bold.
      // deno-lint-ignore no-control-regex
      const text = new TextDecoder().decode(stdout).replace(/.\x08/g, "");
      assert.match(text, /camellia account export <file>/);
      assert.match(text, /--limit <n>/);
      const refused = await m.failure("man", join(file, "in-a-file"));
      assert.match(refused.message, /^Cannot write .*in-a-file/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
