/**
 * Takes the pictures of the full screen in `docs/images/`: a small network of real processes, the screen in tmux, and
 * Chromium for PNG from what tmux has captured.
 *
 *     deno run -A tools/screens.ts
 *
 * @module
 */

import { join } from "node:path";
import { eventually, Network, program, type User } from "../tests/e2e/harness.ts";
import { Terminal } from "../tests/e2e/terminal.ts";
import { drawSession } from "./picture.ts";

const images = new URL("../docs/images/", import.meta.url).pathname;

/** Columns and rows of the pictures. */
const size = { columns: 80, rows: 24 } as const;

async function posted(user: User, text: string, ...flags: readonly string[]): Promise<string> {
  const { post } = await user.json<{ post: { author: string; id: string } }>(
    "post",
    ...flags,
    "--",
    text,
  );
  return `${post.author}/${post.id}`;
}

/** Waits until a post is on the timelines of some. */
async function reaches(text: string, ...users: readonly User[]): Promise<void> {
  for (const user of users) {
    await eventually(
      `${user.name}'s timeline`,
      () => user.texts(),
      (texts) => texts.includes(text),
    );
  }
}

/** People who know one another, and an afternoon of theirs. */
async function afternoon(network: Network): Promise<User> {
  const names = ["mia", "bob", "carol", "dave", "erin"];
  const users: Record<string, User> = {};
  for (const name of names) users[name] = await network.register(name);
  const { mia, bob, carol, dave, erin } = users;
  if (!mia || !bob || !carol || !dave || !erin) throw new Error("A user is missing.");
  const follows: [User, string[]][] = [
    [mia, ["bob", "carol", "dave"]],
    [bob, ["mia", "carol"]],
    [carol, ["mia", "bob", "erin"]],
    [dave, ["mia", "erin"]],
  ];
  for (const [user, followed] of follows) {
    for (const name of followed) await user.json("follow", name);
  }
  await bob.json("about", "--name", "Bob", "--about", "Bread, bicycles, and the 8 o'clock ferry.");
  await posted(dave, "The market has the first asparagus. Спаржа!");
  const plan = await posted(mia, "Who comes along on Saturday?");
  await reaches("Who comes along on Saturday?", bob, carol);
  const yes = await posted(
    bob,
    "I do, @mia! The way: https://map.example/route/7 (two hours)",
    "--reply-to",
    plan,
  );
  await posted(carol, "If it does not rain", "--reply-to", plan);
  await reaches("If it does not rain", mia);
  await posted(mia, "It never rains on Saturdays", "--reply-to", yes);
  await posted(carol, "I know how it ends", "--warn", "last night's film");
  await posted(erin, "Hello @mia, dave says that you sell your tent?");
  await posted(bob, "Bread is in the oven. @mia, shall I bring some?");
  await reaches("Bread is in the oven. @mia, shall I bring some?", mia);
  return mia;
}

/** Turns what tmux has captured into a PNG. */
async function picture(name: string, title: string, captured: string): Promise<void> {
  const svg = await Deno.makeTempFile({ suffix: ".svg" });
  try {
    const drawn = drawSession(captured, title);
    await Deno.writeTextFile(svg, drawn);
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(drawn) ?? [];
    const { success, stderr } = await new Deno.Command("chromium", {
      args: [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
        ...["--default-background-color=00000000", `--window-size=${width},${height}`],
        ...[`--screenshot=${join(images, `${name}.png`)}`, `file://${svg}`],
      ],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(svg);
  }
}

await using network = await Network.start();
const mia = await afternoon(network);
await using terminal = await Terminal.open();
await terminal.resize(size.columns, size.rows);
const words = [Deno.execPath(), ...program, ...network.flags(mia.data), "tui"];
await terminal.enter(`clear; ${words.map((word) => `'${word}'`).join(" ")}`);
await terminal.shows(/mia +Home[^]*Bread is in the oven/);

const shots: readonly (readonly [
  name: string,
  title: string,
  keys: () => Promise<void>,
  shown: RegExp,
])[] = [
  ["screen-home", "Home", () => terminal.press("j"), /Who comes along/],
  ["screen-mentions", "Mentions", () => terminal.press("2"), /mentions you[^]*replies to you/],
  ["screen-requests", "What strangers say", () => terminal.press("Tab"), /erin mentions you/],
  ["screen-people", "People", () => terminal.press("3"), /bob[^]*you follow/],
  ["screen-profile", "A profile", () => terminal.press("Enter"), /Bread, bicycles[^]*follows 2/],
  ["screen-thread", "A thread", async () => {
    await terminal.press("1", "g");
    await terminal.shows(/▏Bread is in the oven/);
    await terminal.press("G", "k", "Enter");
  }, /Thread[^]*It never rains/],
  ["screen-answer", "An answer is written", async () => {
    await terminal.press("k", "r");
    await terminal.shows(/Reply to/);
    await terminal.type("Then we are three, and I bring the map.");
    await terminal.press("Enter");
    await terminal.type("Bread too, @bo");
    await terminal.press("Tab");
  }, /draft saved/],
];

for (const [name, title, keys, shown] of shots) {
  await keys();
  await terminal.shows(shown);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await picture(name, title, await terminal.coloured());
}
