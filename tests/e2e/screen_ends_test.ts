/** The full screen where it is not alone: under GNU screen, hung up, and in the process of the peer itself. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { deriveCheaply, Network, program, type User } from "./harness.ts";
import { Terminal, whyNoTerminal } from "./terminal.ts";

deriveCheaply();

const reason = await whyNoTerminal();
const ignored = reason === undefined ? "" : ` (${reason})`;

/** Whether GNU screen is installed. */
const hasScreen = await new Deno.Command("screen", { args: ["--version"], stdout: "null" })
  .output().then(() => true, () => false);

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A script that opens the screen of a user, and writes the process's number into a file. */
async function starter({ network, data }: User): Promise<{ path: string; pid: string }> {
  const [path, pid] = [join(network.folder, "start.sh"), join(network.folder, "pid")];
  const words = [Deno.execPath(), ...program, ...network.flags(data), "tui"].map(quote);
  await Deno.writeTextFile(path, `echo $$ >${quote(pid)}\nexec ${words.join(" ")}\n`);
  return { path, pid };
}

/** What a shell is asked for the state of its terminal; 3 where all is as it was. */
const state = "stty -a | tr ' ;' '\\n\\n' | grep -c -x -e icanon -e echo -e isig";

/** Waits until the program has ended and left the terminal as it was. */
async function restored(terminal: Terminal, code: number): Promise<void> {
  await terminal.shows(/^\$ *$/m);
  await terminal.enter(`echo "exit $? state $(${state})"`);
  await terminal.shows(new RegExp(`^exit ${code} state 3$`, "m"));
  assert.deepEqual(await terminal.state(), { other: false, mouse: false, cursor: true });
}

Deno.test({
  name:
    `A screen that is hung up, or whose process is the peer, leaves its terminal as it was${ignored}`,
  ignore: reason !== undefined,
  async fn(t) {
    await using network = await Network.start();
    const mia = await network.register("mia");
    const { path, pid } = await starter(mia);
    await using terminal = await Terminal.open();

    await t.step("A hang-up alone ends it", async () => {
      await terminal.enter(`sh ${quote(path)}`);
      await terminal.shows(/mia +Home[^]*q quit/);
      Deno.kill(Number(await Deno.readTextFile(pid)), "SIGHUP");
      await restored(terminal, 0);
      await terminal.clear();
    });

    await t.step("A peer starts no editor and does not stop, says why, and goes on", async () => {
      await mia.down();
      await terminal.enter(`EDITOR=vi sh ${quote(path)}`);
      await terminal.shows(/mia +Home[^]*q quit/);
      await terminal.press("n");
      await terminal.shows(/New post/);
      await terminal.type("Half a thought");
      await terminal.press("C-e");
      await terminal.shows(/No editor can be started: this process is your peer/);
      await terminal.press("C-z");
      await terminal.shows(/The screen cannot stop: this process is your peer/);
      await terminal.type(", and the rest");
      await terminal.press("C-s");
      // The post itself may show while the box is still there, which would take the next key.
      await terminal.shows(/▏Half a thought, and the rest[^]*Published/);
      await terminal.press("q");
      await restored(terminal, 0);
    });
  },
});

const without = reason ?? (hasScreen ? undefined : "GNU screen is not installed");

Deno.test({
  name: `Under GNU screen the full screen is drawn, resized, pasted to, and ends${
    without === undefined ? "" : ` (${without})`
  }`,
  ignore: without !== undefined,
  async fn() {
    await using network = await Network.start();
    const mia = await network.register("mia");
    const { path } = await starter(mia);
    await using terminal = await Terminal.open();
    // Its sockets go with the test.
    const folder = join(network.folder, "screen");
    await Deno.mkdir(folder, { mode: 0o700 });
    await terminal.enter(`SCREENDIR=${quote(folder)} screen -c /dev/null sh`);
    await terminal.shows(/^\$ *\n+$/);
    await terminal.enter(`sh ${quote(path)}`);
    await terminal.shows(/mia +Home[^]*q quit/);
    await terminal.press("n");
    await terminal.shows(/New post/);
    const pasted = join(network.folder, "pasted.txt");
    await Deno.writeTextFile(pasted, "one line\nand another");
    await terminal.paste(pasted);
    await terminal.shows(/ one line\n and another\n/);
    await terminal.resize(60, 20);
    await terminal.shows(/^─{60}\n New post[^]* one line\n and another\n/m);
    await terminal.press("C-s");
    await terminal.shows(/▏one line\n ▏and another\n[^]*Published/);
    await terminal.press("q");
    await terminal.shows(/\$\s*$/);
    await terminal.enter(`echo "state $(${state})"`);
    await terminal.shows(/^state 3$/m);
    await terminal.enter("exit");
    await terminal.shows(/screen is terminating/);
  },
});
