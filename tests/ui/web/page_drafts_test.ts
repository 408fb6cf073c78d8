import assert from "node:assert/strict";
import { VirtualClock } from "../../sim/clock.ts";
import { PageDrafts } from "../../../ui/web/page_drafts.ts";
import { draftsIn, viewsWorld } from "../views/world.ts";

const decoder = new TextDecoder();

Deno.test("A draft of the page is on the disk at once, by post, and gone once it was published", async () => {
  const files = new Map<string, Uint8Array>();
  const drafts = new PageDrafts(draftsIn(files), new VirtualClock(), "mia");
  const replyTo = { author: "bob", id: "7" };
  await drafts.keep({ text: "a post" });
  await drafts.keep({ text: "an answer", replyTo });
  assert.deepEqual(
    [...files].map(([name, bytes]) => [name, decoder.decode(bytes)]),
    [["draft-mia", "a post"], ["draft-mia-bob-7", "an answer"]],
  );
  assert.equal(await drafts.read("bob/7"), "an answer");
  assert.equal(await drafts.read(undefined), "a post");
  await drafts.published(replyTo);
  assert.deepEqual([...files.keys()], ["draft-mia"]);
  assert.equal(await drafts.read("bob/7"), "");
  await drafts.keep({ text: "" });
  assert.equal(files.size, 0);
});

Deno.test("The full screen and the page have one set of drafts", async () => {
  const { views, files, clock, settle } = viewsWorld();
  const drafts = new PageDrafts(draftsIn(files), clock, "mia");
  await drafts.keep({ text: "begun in the page" });
  const compose = views.compose();
  await settle();
  assert.equal(compose.view().text, "begun in the page");
  compose.change("and gone on with");
  await compose.close();
  assert.equal(await drafts.read(undefined), "and gone on with");
});

Deno.test("Attack: a draft whose name is a path is refused, and nothing is written", async () => {
  const files = new Map<string, Uint8Array>();
  const drafts = new PageDrafts(draftsIn(files), new VirtualClock(), "mia");
  for (
    const wrong of [
      { text: "x", replyTo: { author: "../../x", id: "1" } },
      { text: "x", replyTo: { author: "bob", id: "../1" } },
      { text: "x", replyTo: { author: "bob", id: "" } },
      { text: "x".repeat(20_001) },
      { text: 7 },
      undefined,
    ]
  ) await assert.rejects(drafts.keep(wrong), { code: "invalid_argument" });
  for (const wrong of ["", "bob", "../x/1", "bob/1x"]) {
    await assert.rejects(drafts.read(wrong), { code: "invalid_argument" });
  }
  assert.equal(files.size, 0);
});
