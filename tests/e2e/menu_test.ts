/** The menu in a real terminal. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { ProfileView } from "../../core/api.ts";
import { eventually, Network, password, program } from "./harness.ts";
import { Terminal, whyNoTerminal } from "./terminal.ts";

const reason = await whyNoTerminal();

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The shell command of the menu, which prints its exit code and the terminal's state after it. */
function menuCommand(network: Network, data: string): string {
  const words = [Deno.execPath(), ...program, ...network.flags(data)].map(quote);
  const state = "stty -a | tr ' ;' '\\n\\n' | grep -c -x -e icanon -e echo -e isig";
  return `env -u CAMELLIA_PASSWORD ${words.join(" ")}; echo "exit $? state $(${state})"`;
}

/** The program has ended, with exit code 0 and the terminal as it was. */
async function hasLeft(terminal: Terminal): Promise<void> {
  await terminal.shows(/^exit 0 state 3$/m);
  await terminal.clear();
}

Deno.test({
  name: `In a terminal: register, follow, a post arrives live, post, log out${
    reason === undefined ? "" : ` (${reason})`
  }`,
  ignore: reason !== undefined,
  async fn() {
    await using network = await Network.start();
    const bob = await network.register("bob");
    const data = join(network.folder, "alice");
    await Deno.writeTextFile(join(network.folder, "start.sh"), `${menuCommand(network, data)}\n`);
    await using terminal = await Terminal.open();
    const start = () => terminal.enter(`. ${quote(join(network.folder, "start.sh"))}`);

    await start();
    await terminal.shows(/❯ I have an invite\n {2}Register\n {2}Log in/);
    await terminal.press("r", "Enter");
    await terminal.shows(/Username/);
    await terminal.enter("no spaces");
    await terminal.shows(/Cannot use the username "no spaces"/);
    await terminal.press("C-u");
    await terminal.enter("alice");
    await terminal.shows(/Where are your keys kept/);
    await terminal.press("Enter");
    await terminal.shows(/New password of alice/);
    await terminal.enter(password);
    await terminal.shows(/The same again:/);
    assert.ok(!(await terminal.screen()).includes(password));
    await terminal.enter(password);
    await terminal.shows(/These 24 words open the account alice[^]*24\. [a-z]+/);
    await terminal.press("Enter");
    await terminal.shows(/Word [0-9]+ of those that you wrote down/);
    await terminal.press("Enter");
    await terminal.shows(/✓ Registered: alice[^]*❯ New post/);
    assert.doesNotMatch(await terminal.screen(), /24\. [a-z]+/);

    await terminal.press("f", "Enter");
    await terminal.shows(/Follow whom\?/);
    await terminal.enter("bob");
    await terminal.shows(/You follow bob\.[^]* {2}New post[^]*❯ Follow/);

    await bob.json("post", "Hello from bob");
    // Above the menu, while no key was pressed.
    await terminal.shows(/bob · just now · [0-9]+\n {2}Hello from bob\n─+\nalice · [^]*❯ Follow/);

    await terminal.press("Home", "Enter");
    await terminal.shows(/\? New post +0\/500/);
    await terminal.enter("Hello from alice");
    await terminal.shows(/alice · just now · [0-9]+\n {2}Hello from alice/);
    const { followers } = await eventually(
      "bob's profile",
      () => bob.json<ProfileView>("profile"),
      (view) => view.followers.length > 0,
    );
    assert.deepEqual(followers, ["alice"]);
    await bob.json("follow", "alice");
    await bob.receives("Hello from alice");
    await terminal.shows(/bob follows you/);

    await terminal.press("l", "Enter");
    await terminal.shows(/Logged out: alice[^]*❯ Log in as alice/);
    await terminal.press("q", "Enter");
    await hasLeft(terminal);

    // Ctrl+C at every kind of prompt.
    const ways: readonly (readonly [keys: () => Promise<void>, prompt: RegExp])[] = [
      [() => Promise.resolve(), /❯ Log in as alice/],
      [() => terminal.press("Down", "Enter"), /Username/],
      [() => terminal.press("Enter"), /Password of alice:/],
    ];
    for (const [keys, prompt] of ways) {
      await start();
      await terminal.shows(/❯ Log in as alice/);
      await keys();
      await terminal.shows(prompt);
      await terminal.press("C-c");
      await hasLeft(terminal);
    }
  },
});
