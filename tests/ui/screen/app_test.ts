import assert from "node:assert/strict";
import fc from "fast-check";
import { textWidth } from "../../../ui/terminal/width.ts";
import { postAt } from "../views/world.ts";
import { assertFrame, bare, type ScreenWorld, screenWorld } from "./world.ts";

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** An evening: a reply, a link, wide letters, a warning, a repost, own posts, a line at what was read. */
async function evening(theme = { colours: true, links: true }): Promise<ScreenWorld> {
  const world = await screenWorld([], { theme });
  const { peer, settle, press } = world;
  const first = postAt(10, { author: "mia", text: "Who comes along on Saturday?" });
  for (
    const post of [
      first,
      postAt(20, {
        author: "bob",
        text: "I do, @mia! The way: https://map.example/route/7 (two hours)",
        reply_to: first,
        mentions: ["mia"],
      }),
      postAt(30, { author: "carol", text: "漢字も読める。שלום עולם\nand a second line" }),
      postAt(40, { author: "dave", text: "The end of the film is sad", warning: "spoiler" }),
      postAt(50, {
        author: "erin",
        text: "",
        repost_of: {
          ...postAt(45, { author: "zoe", text: "Passed on by erin" }),
          fingerprint: "0011223344556677",
          verified: false,
        },
      }),
      postAt(3_590, { author: "bob", text: "Good night", replies: 2 }),
    ]
  ) peer.store(post);
  peer.mark = postAt(30).id;
  press("ctrl+r");
  await settle();
  world.rows();
  await settle();
  return world;
}

for (const columns of [40, 80, 120]) {
  Deno.test(`Home at ${columns} columns`, async () => {
    const { rows } = await evening();
    await assertFrame(`home_${columns}`, rows({ columns, rows: 24 }));
  });

  Deno.test(`A thread at ${columns} columns`, async () => {
    const { rows, press, settle } = await evening();
    press("G", "enter");
    await settle();
    await assertFrame(`thread_${columns}`, rows({ columns, rows: 16 }));
  });

  Deno.test(`An answer is written at ${columns} columns`, async () => {
    const { rows, press, type, settle } = await evening();
    press("G", "k", "r");
    await settle();
    type("Then we are two, and I bring the map");
    press("enter");
    type("and @ca");
    press("tab");
    await settle();
    await assertFrame(`answer_${columns}`, rows({ columns, rows: 20 }));
  });

  Deno.test(`The help at ${columns} columns`, async () => {
    const { rows, press } = await evening();
    press("?");
    await assertFrame(`help_${columns}`, rows({ columns, rows: 60 }));
  });
}

Deno.test("While the reader reads, a post that comes is counted and moves nothing; g shows it", async () => {
  const { peer, rows, press, settle } = await screenWorld(range(1, 40));
  press("j", "j", "j");
  const before = rows();
  peer.come(postAt(50, { text: "something new" }));
  await settle();
  const after = rows();
  assert.deepEqual(after.slice(2, 21), before.slice(2, 21));
  assert.match(after[22] ?? "", /↑ 1 newer arrived: g/);
  press("g");
  await settle();
  assert.match(rows()[3] ?? "", /something new/);
  assert.doesNotMatch(rows()[22] ?? "", /newer/);
});

Deno.test("A reader at the top sees each post as it comes", async () => {
  const { peer, rows, settle } = await screenWorld(range(1, 40));
  for (const second of [50, 60, 70]) {
    peer.come(postAt(second));
    await settle();
    assert.match(rows()[3] ?? "", new RegExp(`bob at ${second}$`));
  }
});

Deno.test("Going down loads older posts before the end is reached", async () => {
  const { rows, press, settle } = await screenWorld(range(1, 300));
  for (let i = 0; i < 299; i++) {
    press("j");
    rows();
    await settle();
  }
  assert.match(rows().join("\n"), /▏bob at 1\n/);
});

Deno.test("Posts that were on the screen are read, and no others", async () => {
  const { peer } = await screenWorld(range(1, 100));
  // Unread posts below are not among what was loaded, so the mark stays.
  assert.equal(peer.mark, "0");
  const few = await screenWorld(range(1, 8));
  assert.equal(few.peer.mark, postAt(8).id);
});

Deno.test("A draft is kept when it is left, and is there again; published, it is gone", async () => {
  const { peer, rows, press, type, settle, files } = await screenWorld([1]);
  press("n");
  await settle();
  type("half a thought");
  press("ctrl+c");
  await settle();
  assert.match(rows().join("\n"), /The draft is kept/);
  assert.equal(files.size, 1);
  press("n");
  await settle();
  assert.match(rows().join("\n"), /half a thought/);
  press("ctrl+s");
  await settle();
  assert.equal(peer.posts.at(-1)?.text, "half a thought");
  assert.equal(files.size, 0);
  assert.doesNotMatch(rows().join("\n"), /New post/);
});

Deno.test("Ctrl+C while writing ends nothing; on a list it ends the screen", async () => {
  const { asked, press, settle } = await screenWorld([1]);
  press("n");
  await settle();
  press("ctrl+c");
  assert.deepEqual(asked, []);
  press("ctrl+c");
  assert.deepEqual(asked, ["quit"]);
});

Deno.test("A post that is too long is not sent, and says so", async () => {
  const { app, peer, rows, press, settle } = await screenWorld([1]);
  press("n");
  await settle();
  app.input({ kind: "paste", text: "x".repeat(501), length: 501 });
  press("ctrl+s");
  await settle();
  assert.match(rows().join("\n"), /501 characters; a post has at most 500/);
  assert.equal(peer.posts.length, 0);
});

Deno.test("Several lines that are pasted are one text; of too much the beginning is kept, and it is said", async () => {
  const { app, rows, press, settle } = await screenWorld([1]);
  press("n");
  await settle();
  app.input({ kind: "paste", text: "one\r\ntwo\rthree", length: 14 });
  assert.match(rows().join("\n"), /one\n two\n three\n/);
  app.input({ kind: "paste", text: "y".repeat(20_000), length: 2_000_000 });
  assert.match(rows().join("\n"), /2000000 characters were pasted; the first 19987 are kept/);
});

Deno.test("A text comes back from the editor, and an editor that fails changes nothing", async () => {
  const screen = await screenWorld([1]);
  const { press, type, rows, settle } = screen;
  press("n");
  await settle();
  type("begun");
  screen.editor = (text) => `${text} and ended`;
  press("ctrl+e");
  await settle();
  assert.match(rows().join("\n"), /begun and ended/);
  screen.editor = () => undefined;
  press("ctrl+e");
  await settle();
  assert.match(rows().join("\n"), /begun and ended/);
});

Deno.test("Only own posts are deleted, and not before a yes", async () => {
  const { peer, rows, press, settle } = await screenWorld();
  peer.store(postAt(1, { author: "mia" }));
  peer.store(postAt(2));
  press("ctrl+r");
  await settle();
  rows();
  press("D");
  assert.match(rows().at(-1) ?? "", /Only posts of yours/);
  press("j", "D");
  assert.match(rows().at(-1) ?? "", /Take this post back\?.*y \/ n/);
  press("n");
  assert.doesNotMatch(peer.calls.join(" "), /deletePosts/);
  press("D", "y");
  await settle();
  assert.match(peer.calls.join(" "), /deletePosts/);
});

Deno.test("A text behind a warning is hidden until v, and again after it", async () => {
  const { peer, rows, press, settle } = await screenWorld();
  peer.store(postAt(1, { text: "the butler", warning: "spoiler" }));
  press("ctrl+r");
  await settle();
  assert.match(rows().join("\n"), /Content warning: spoiler/);
  assert.doesNotMatch(rows().join("\n"), /butler/);
  press("v");
  assert.match(rows().join("\n"), /butler/);
  press("v");
  assert.doesNotMatch(rows().join("\n"), /butler/);
});

Deno.test("A command is completed, done, and told where there is none of its name", async () => {
  const { peer, rows, asked, press, type } = await screenWorld([1]);
  press(":");
  type("inv");
  press("tab");
  assert.match(rows().join("\n"), /^:invite$/m);
  press("enter");
  assert.deepEqual(asked, ["Invite a friend"]);
  press(":");
  type("dance");
  press("enter");
  assert.match(rows().at(-1) ?? "", /no command dance/);
  press(":");
  type("mute @bob");
  press("enter");
  assert.match(peer.calls.join(" "), /mute/);
});

Deno.test("A slow peer freezes no key", async () => {
  const { peer, rows, press, settle } = await screenWorld(range(1, 40));
  peer.gate = new Promise(() => {});
  press("g", "j", "enter");
  await settle();
  assert.match(rows().join("\n"), /Thread/);
  press("escape", "n");
  await settle();
  assert.match(rows().join("\n"), /New post/);
});

/** What a hostile text is made of. */
const hostile = fc.string({
  unit: fc.constantFrom(
    ...[
      "\x1b[2J",
      "\x1b]0;x\x07",
      "\x1b[31m",
      "\x9b5n",
      "\x07",
      "\r",
      "\n",
      "\u202e",
      "\u2066",
      "\u200b",
    ],
    ...[
      "a",
      " ",
      "漢",
      "e\u0301\u0301\u0301\u0301\u0301\u0301",
      "https://a.example/\x1b]8;;",
      "@mia",
      "\u{e000}",
    ],
    ...["\ud800", "👩‍👩‍👧", "שלום", "\x1b]52;c;AAAA\x07", "\x1bP", "\x1b_pi:c\x07", "\u00ad", "ﷺ"],
  ),
  maxLength: 40,
});

/** Whatever begins with ESC, and what of it the screen writes itself: colours, and links. */
// deno-lint-ignore no-control-regex
const codes = /\x1b(?:\[[^A-Za-z]*[A-Za-z]|\][^\x1b]*\x1b\\|.?)/g;
// deno-lint-ignore no-control-regex
const ours = /^\x1b\[[0-9;]*m$|^\x1b\]8;;(https:[\x21-\x7e]*)?\x1b\\$/;

Deno.test("No text of a stranger moves, colours or widens anything: rows fit, and only the screen paints", async () => {
  const world = await screenWorld();
  const { peer, press, raw, settle } = world;
  await fc.assert(
    fc.asyncProperty(
      hostile,
      hostile,
      fc.integer({ min: 20, max: 90 }),
      async (text, warning, columns) => {
        peer.timelinePosts.length = 0;
        peer.store(postAt(1, { text }));
        peer.store(postAt(2, { text: "x", warning }));
        peer.store(postAt(3, { text, reply_to: { author: "bob", id: postAt(1).id } }));
        press("ctrl+r");
        await settle();
        for (const row of raw({ columns, rows: 30 })) {
          const rest = bare(row);
          assert.doesNotMatch(rest, /[\p{Cc}\u202a-\u202e\u2066-\u2069\u200b]/u);
          assert.ok(textWidth(rest) <= columns, JSON.stringify(rest));
          for (const [code] of row.matchAll(codes)) assert.match(code, ours);
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("Without colours no row has one; names are still bold", async () => {
  const { raw } = await evening({ colours: false, links: true });
  // deno-lint-ignore no-control-regex
  for (const [code] of raw().join("").matchAll(/\x1b\[[0-9;]*m/g)) {
    // deno-lint-ignore no-control-regex
    assert.match(code, /^\x1b\[(?:[0127];?)+m$/);
  }
});

Deno.test("The screen can be drawn at any size", async () => {
  const { rows, press, settle } = await evening();
  const sizes = [20, 40, 80, 200].flatMap((columns) =>
    [1, 3, 9, 10, 24, 60].map((rows) => ({ columns, rows }))
  );
  for (const keys of [[], ["?"], ["escape", "G", "enter"], ["r"]]) {
    press(...keys);
    await settle();
    for (const size of sizes) {
      const drawn = rows(size);
      assert.ok(drawn.length <= size.rows, JSON.stringify(size));
      for (const row of drawn) {
        assert.ok(textWidth(row) <= size.columns, JSON.stringify([size, row]));
      }
    }
  }
});
