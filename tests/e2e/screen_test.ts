/** The full screen in a real terminal. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { deriveCheaply, Network, program } from "./harness.ts";
import { Terminal, whyNoTerminal } from "./terminal.ts";

deriveCheaply();

const reason = await whyNoTerminal();
const ignored = reason === undefined ? "" : ` (${reason})`;

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** What the screen shows of posts, without their ages, which go on. */
function posts(screen: string): string[] {
  return screen.split("\n").slice(2, 26).map((row) => row.replace(/ +(?:just now|\d+ min)$/, ""));
}

Deno.test({
  name: `On the full screen nothing moves or gets lost, and the terminal is restored${ignored}`,
  ignore: reason !== undefined,
  async fn() {
    await using network = await Network.start();
    const [mia, bob] = await Promise.all([network.register("mia"), network.register("bob")]);
    await mia.json("follow", "bob");
    const lines = Array.from({ length: 15 }, (_, i) => `Post ${i + 1}\n`).join("");
    await bob.run(["post", "--lines"], { input: new TextEncoder().encode(lines) });
    await mia.receives("Post 15");

    const pidFile = join(network.folder, "pid");
    const words = [Deno.execPath(), ...program, ...network.flags(mia.data), "tui"].map(quote);
    const state = "stty -a | tr ' ;' '\\n\\n' | grep -c -x -e icanon -e echo -e isig";
    await Deno.writeTextFile(
      join(network.folder, "start.sh"),
      `sh -c ${quote(`echo $$ >${pidFile}; exec ${words.join(" ")}`)}\n`,
    );
    await using terminal = await Terminal.open();
    const open = () => terminal.enter(`. ${quote(join(network.folder, "start.sh"))}`);
    const restored = async () => {
      await terminal.shows(/^\$ *$/m);
      await terminal.enter(`echo "exit $? state $(${state})"`);
      await terminal.shows(/^exit 0 state 3$/m);
      assert.deepEqual(await terminal.state(), { other: false, mouse: false, cursor: true });
    };

    await open();
    await terminal.shows(/mia +Home[^]*▏Post 15[^]*Post 5\n/);
    assert.deepEqual(await terminal.state(), { other: true, mouse: true, cursor: false });

    // A post that comes while another one is read.
    await terminal.press("j", "j", "j");
    const before = await terminal.shows(/ ▏Post 12$/m);
    await bob.json("post", "Something new");
    const after = await terminal.shows(/↑ 1 newer arrived: g/);
    assert.deepEqual(posts(after), posts(before));
    await terminal.press("g");
    await terminal.shows(/▏Something new/);

    // Ctrl+C while writing keeps the draft; a resize and pastes change nothing of it but what they add.
    await terminal.press("n");
    await terminal.shows(/New post/);
    await terminal.type("Half a thought");
    await terminal.press("C-c");
    await terminal.shows(/The draft is kept/);
    await terminal.press("n");
    await terminal.shows(/ Half a thought$/m);
    await terminal.resize(40, 20);
    await terminal.shows(/^─{40}\n New post[^]* Half a thought\n/m);
    await terminal.type(" more");
    await terminal.resize(100, 30);
    await terminal.shows(/^─{100}\n New post[^]* Half a thought more\n/m);
    const pasted = join(network.folder, "pasted.txt");
    await Deno.writeTextFile(pasted, "one line\nand another");
    await terminal.paste(pasted);
    await terminal.shows(/ Half a thought moreone line\n and another\n/);
    await terminal.press("C-s");
    await terminal.shows(/Published/);
    await bob.json("follow", "mia");
    await bob.receives("Half a thought moreone line\nand another");
    await Deno.writeTextFile(pasted, `${"a".repeat(70)}\n`.repeat(28_572));
    await terminal.press("n");
    await terminal.shows(/New post/);
    await terminal.paste(pasted);
    await terminal.shows(/2028612 characters were pasted; the first 20000 are kept/);
    await terminal.press("C-s");
    await terminal.shows(/20000 characters; a post has at most 500/);
    // ESC and what follows it at once would be one key.
    await terminal.press("Escape");
    await terminal.shows(/The draft is kept/);

    // Back to the shell for a while.
    await terminal.press("C-z");
    await terminal.shows(/Stopped/);
    assert.deepEqual(await terminal.state(), { other: false, mouse: false, cursor: true });
    await terminal.enter("echo $((20 + 3)) here");
    await terminal.shows(/^23 here$/m);
    await terminal.enter("fg");
    await terminal.shows(/mia +Home/);
    await terminal.press("G");
    await terminal.shows(/▏Post 1$/m);

    // The peer goes, and keys go on; it comes back.
    await mia.down("SIGKILL");
    await terminal.shows(/○ peer is gone/);
    await terminal.press("k");
    await terminal.shows(/▏Post 2$/m);
    await mia.up();
    await terminal.shows(/● \d peers? ⇅/);
    await bob.json("post", "After the pause");
    await terminal.shows(/newer arrived: g/);
    await terminal.press("g");
    await terminal.shows(/After the pause/);

    // A signal, and a key, leave the terminal as it was.
    Deno.kill(Number(await Deno.readTextFile(pidFile)), "SIGTERM");
    await restored();
    await terminal.clear();
    await open();
    await terminal.shows(/mia +Home/);
    await terminal.press("q");
    await restored();

    // The menu's Timeline is the screen, too; the menu is there again after it.
    await terminal.clear();
    await terminal.enter(words.slice(0, -1).join(" "));
    await terminal.shows(/❯ New post/);
    await terminal.press("Down", "Enter");
    await terminal.shows(/mia +Home/);
    await terminal.press("q");
    await terminal.shows(/❯ Timeline/);
    await terminal.press("C-c");
    await restored();
  },
});
