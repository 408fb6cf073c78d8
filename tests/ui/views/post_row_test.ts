import assert from "node:assert/strict";
import type { PostView } from "../../../core/api.ts";
import { authorColours, colourOf } from "../../../ui/views/authors.ts";
import { keyOf, postRow, type RowKnown, shortened } from "../../../ui/views/post_row.ts";
import { spansOf } from "../../../ui/views/spans.ts";
import { postAt } from "./world.ts";
import { clockTime, shortAge } from "../../../ui/views/words.ts";

function known(more: Partial<RowKnown> = {}): RowKnown {
  return {
    self: "mia",
    nowMs: Date.UTC(2026, 0, 1, 0, 5),
    shownName: () => undefined,
    isRevealed: () => false,
    isDeleted: () => false,
    quoted: () => undefined,
    ...more,
  };
}

function kinds(text: string): string[] {
  return spansOf(text).map((span) => `${span.kind} ${span.text}`);
}

Deno.test("Links and names are found in a text, and all of it is kept", () => {
  const text = "see https://example.org/a_(b)?c=1#d, @Bob: (http://x.test/) bob@example.org";
  assert.deepEqual(kinds(text), [
    "text see ",
    "link https://example.org/a_(b)?c=1#d",
    "text , ",
    "mention @Bob",
    "text : (",
    "link http://x.test/",
    "text ) bob@example.org",
  ]);
  const mention = spansOf(text)[3];
  assert.equal(mention?.kind === "mention" && mention.username, "bob");
  assert.equal(spansOf(text).map((span) => span.text).join(""), text);
  assert.deepEqual(spansOf(""), []);
});

Deno.test("A link leads where its text says", () => {
  // A name before the host makes another host look like the one that is opened.
  assert.deepEqual(kinds("https://bank.test@evil.test/"), ["text https://bank.test@evil.test/"]);
  for (
    const text of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://x.test"]
  ) {
    assert.deepEqual(kinds(text), [`text ${text}`]);
  }
  // The first letter is Cyrillic.
  assert.deepEqual(kinds("https://аpple.test/x"), ["link https://xn--pple-43d.test/x"]);
  const [hidden] = spansOf("https://a.test/\u202egro.elgoog");
  assert.deepEqual(hidden, { kind: "link", text: "https://a.test/", url: "https://a.test/" });
  assert.deepEqual(kinds("https://x.test/?@bob"), ["link https://x.test/?@bob"]);
});

Deno.test("Ages are short, and a line tells the time on the wall", () => {
  const at = (ms: number) =>
    shortAge(new Date(Date.UTC(2026, 0, 10) - ms).toISOString(), Date.UTC(2026, 0, 10));
  const minute = 60_000;
  assert.deepEqual(
    [-5 * minute, 59_999, minute, 59 * minute, 60 * minute, 24 * 60 * minute, 3 * 24 * 60 * minute]
      .map(at),
    ["just now", "just now", "1 min", "59 min", "1 h", "yesterday", "3 days"],
  );
  assert.equal(shortAge("what?", 0), "at an unknown time");
  const noon = new Date(2026, 4, 3, 12, 4);
  assert.equal(shortAge(noon.toISOString(), noon.getTime() + 30 * 24 * 60 * minute), "2026-05-03");
  assert.equal(clockTime(noon.toISOString(), noon.getTime() + minute), "12:04");
  assert.equal(
    clockTime(noon.toISOString(), noon.getTime() + 24 * 60 * minute),
    "2026-05-03 12:04",
  );
});

Deno.test("A name has the same colour wherever it stands", () => {
  const colours = ["alice", "bob", "carol", "mia"].map(colourOf);
  assert.deepEqual(colours, [11, 8, 2, 10]);
  assert.ok(colours.every((colour) => colour >= 0 && colour < authorColours));
});

Deno.test("A text behind a warning is hidden until the reader asks for it", () => {
  const post = postAt(1, { warning: "food", text: "cake" });
  const hidden = postRow(post, known());
  assert.deepEqual([hidden.state, hidden.warning, hidden.spans], ["warned", "food", []]);
  const shown = postRow(post, known({ isRevealed: (key) => key === keyOf(post) }));
  assert.deepEqual([shown.state, shown.warning], ["shown", "food"]);
  assert.deepEqual(shown.spans, [{ kind: "text", text: "cake" }]);
  const gone = postRow(post, known({ isRevealed: () => true, isDeleted: () => true }));
  assert.deepEqual([gone.state, gone.warning, gone.spans], ["deleted", null, []]);
});

Deno.test("A repost shows its author's text, who passed it on, and what it can be answered by", () => {
  const original = postAt(1, { author: "carol", text: "hello @mia", mentions: ["mia"] });
  const repost: PostView = {
    ...postAt(5, { author: "mia", text: "" }),
    repost_of: { ...original, fingerprint: "00", verified: false },
  };
  const row = postRow(repost, known());
  assert.equal(row.author.username, "carol");
  assert.equal(row.author.isUnverified, true);
  assert.equal(row.repostedBy?.username, "mia");
  assert.deepEqual(row.target, { author: "carol", id: original.id });
  assert.deepEqual(row.name, { author: "mia", id: repost.id });
  assert.equal(row.isMine, true);
  assert.equal(row.spans.length, 2);
});

Deno.test("A row tells what it answers, whom it speaks to, and by which name its author goes", () => {
  const long = "a text that is longer than forty characters are";
  const answered = postAt(1, { author: "mia", text: long });
  const name = { author: "mia", id: answered.id };
  const post = postAt(2, { reply_to: name, replies: 2, clash: { pinned: "a", other: "b" } });
  const row = postRow(
    post,
    known({
      quoted: (key) => key === keyOf(answered) ? answered : undefined,
      shownName: (user) => user === "bob" ? "Bob B." : undefined,
    }),
  );
  assert.equal(row.answers?.text, "a text that is longer than forty charact…");
  assert.equal(row.answers?.author.isOwn, true);
  assert.deepEqual([row.isToMe, row.isMine, row.replies], [true, false, 2]);
  assert.equal(row.author.shown, "Bob B.");
  assert.deepEqual(row.author.clash, { pinned: "a", other: "b" });
  assert.equal(postRow(post, known()).answers?.text, null);
  const warned = { ...answered, warning: "long" };
  assert.equal(postRow(post, known({ quoted: () => warned })).answers?.text, "(long)");
});

Deno.test("What is quoted is one line, cut between characters", () => {
  assert.equal(shortened("a\n\n b\tc "), "a b c");
  assert.equal(shortened("👩‍🚀".repeat(1_000), 3).startsWith("👩‍🚀"), true);
  assert.equal(shortened("x".repeat(40)), "x".repeat(40));
  assert.equal(shortened("x".repeat(41)), `${"x".repeat(40)}…`);
});
