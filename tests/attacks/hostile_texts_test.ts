/** Attacks by the authors of texts on whoever reads them: escape sequences, and characters that deceive the eye. */

import assert from "node:assert/strict";
import { CamelliaError } from "../../core/model/errors.ts";
import type { FakePeer } from "../ui/fake_peer.ts";
import { Machine } from "../ui/fake_io.ts";

/** What a terminal would act on, or a reader not see; each carries a word that has to stay. */
const texts = [
  "\x1b[2Jword",
  "\x1b]0;title\x07word",
  "\x1b]52;c;aGk=\x07word",
  "\x1b]8;;http://evil.example\x1b\\word\x1b]8;;\x1b\\",
  "\x1b[31mword",
  "\x1b[6n word",
  "\x1bPq#0;2;0;0;0\x1b\\word",
  "\x1b_Ga=T\x1b\\word",
  "\x1bcword",
  "\x1b[?1049hword",
  "\x1b[10;10Hword",
  "\x9b2Jword",
  "\x9d0;title\x9cword",
  "\x90q\x9cword",
  "word\rhidden",
  "word\x08\x08\x08\x08",
  "word\x00\x01\x02",
  "word\x7f\x7f",
  "word\u202egnp.exe",
  "\u2066word\u2069",
  "wo\u200brd word",
  "\ufeffword",
  "word\u2028line\u2029paragraph",
  "word\u{e0041}\u{e0042}",
  `word${"\u0301".repeat(400)}`,
  "word\ud800",
  "word\u3164\u115f",
  `${"\n".repeat(40)}word`,
];

/** Characters that no output may have: controls but the line feed, bidirectional and invisible ones. */
const harmful =
  // deno-lint-ignore no-control-regex
  /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\p{Cs}\p{Co}]|[\u{e0000}-\u{e0fff}]|\p{M}{9}/u;

/** Colours and styles are the program's own. */
function assertHarmless(output: string, what: string): void {
  // deno-lint-ignore no-control-regex
  const found = harmful.exec(output.replace(/\x1b\[\d+(;\d+)*m/g, ""));
  assert.equal(found, null, `${what} has ${JSON.stringify(found?.[0])} at ${found?.index}`);
}

/** A peer on whose timeline are all texts, and that says them when it refuses something. */
function hostilePeer(peer: FakePeer): void {
  for (const text of texts) peer.arrive("mallory", text);
  peer.follow = ({ username }) => {
    const text = texts[Number(username.slice(1))] ?? "";
    return Promise.reject(new CamelliaError("unknown_user", `Cannot follow: ${text}`));
  };
}

Deno.test("Attack: hostile texts reach a terminal as text, as JSON and in errors, and none acts there", async () => {
  const m = await Machine.withAlice();
  m.host.prepare = hostilePeer;
  const { out } = await m.run("timeline", "--limit", "100");
  assertHarmless(out, "the timeline");
  assert(out.split("word").length > texts.length, out);
  const json = await m.run("timeline", "--limit", "100", "--json");
  // A pile of marks stays in JSON, which no person reads.
  assertHarmless(json.out.replace(/\p{M}+/gu, ""), "the timeline as JSON");
  const { posts } = JSON.parse(json.out);
  const shown = posts.map((post: { text: string }) => post.text).reverse();
  // A script gets each text as it was written, surrogates that stand alone included.
  assert.deepEqual(shown, texts);
  for (const [i, text] of texts.entries()) {
    const { err } = await m.run("follow", `u${String(i).padStart(3, "0")}`);
    assertHarmless(err, `the error with ${JSON.stringify(text)}`);
    assert.match(err, /word/);
    const failed = await m.run("follow", `u${String(i).padStart(3, "0")}`, "--json");
    assertHarmless(failed.err.replace(/\p{M}+/gu, ""), "the error as JSON");
    assert.match(JSON.parse(failed.err).error.message, /word/);
  }
});

Deno.test("Attack: hostile texts arrive above the menu and in its questions, and none acts there", async () => {
  const m = new Machine();
  m.io.terminal = { input: true, output: true, error: false };
  m.answers.push(..."init|Register|alice|network|secret|secret|Timeline|reply||back".split("|"));
  for (const i of texts.keys()) m.answers.push("Follow", `u${String(i).padStart(3, "0")}`);
  m.answers.push("quit");
  m.host.prepare = hostilePeer;
  const shown: string[] = [];
  const { prompts } = m;
  m.prompts = {
    ...prompts,
    choice: (question, signal) => {
      shown.push(question.message, ...question.choices.map(({ name }) => name));
      return prompts.choice(question, signal);
    },
    menu: (menu, signal) => {
      const peer = m.host.started[0]?.peer;
      for (const text of texts) {
        peer?.arrive("mallory", text);
        peer?.emit({ event: "warning", code: "internal", message: text });
      }
      shown.push(menu.title(menu.look()), ...menu.feed.lines(menu.look(), 1000));
      return prompts.menu(menu, signal);
    },
  };
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assertHarmless(out, "what the menu says");
  for (const line of shown) assertHarmless(line, "a line of the menu");
  for (const line of shown) assert(!line.includes("\n"), `two lines in one: ${line}`);
  assert(shown.join("\n").split("word").length > 4 * texts.length);
  assert.deepEqual(m.answers, []);
});
