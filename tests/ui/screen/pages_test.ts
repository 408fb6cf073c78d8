import assert from "node:assert/strict";
import { noticeAt, postAt } from "../views/world.ts";
import { assertFrame, type ScreenWorld, screenWorld } from "./world.ts";

/** A network in which something has happened. */
async function village(): Promise<ScreenWorld> {
  const world = await screenWorld();
  const { peer, settle, press } = world;
  peer.store(postAt(10, { text: "Bread, cheese and the way home" }));
  peer.store(postAt(20, { author: "mia", text: "Who has the keys?" }));
  peer.told.notifications = [
    noticeAt(6, {
      kind: "security",
      post: null,
      message: "The password was changed on another device",
      from: "mia",
    }),
    noticeAt(5, {
      kind: "mention",
      from: "carol",
      post: postAt(5, { author: "carol", text: "@mia has them" }),
    }),
    noticeAt(4, { kind: "repost", post: null, read: true }),
    noticeAt(3, { kind: "follow", post: null, from: "dave", read: true }),
  ];
  peer.told.requests = [
    noticeAt(2, {
      kind: "mention",
      from: "eve",
      post: postAt(2, { author: "eve", text: "Buy, @mia, buy!" }),
    }),
  ];
  for (const name of ["bob", "carol"]) peer.following.add(name);
  for (const name of ["bob", "dave"]) peer.followers.add(name);
  peer.suggestions = [
    { username: "erin", kind: "know", reason: "Followed by bob and carol, whom you follow" },
  ];
  press("ctrl+r");
  await settle();
  return world;
}

for (const columns of [40, 80, 120]) {
  const size = { columns, rows: 18 };

  Deno.test(`Mentions, requests, people, a search and a profile at ${columns} columns`, async () => {
    const { rows, press, type, settle } = await village();
    const shown: string[] = [];
    const show = async (...keys: string[]) => {
      press(...keys);
      rows(size);
      await settle();
      shown.push(...rows(size), "=".repeat(columns));
    };
    await show("2");
    await show("tab");
    await show("3");
    await show("tab");
    await show("tab");
    press("/");
    type("Bread");
    await show();
    await show("enter");
    await show("p");
    await assertFrame(`pages_${columns}`, shown);
  });
}

Deno.test("What strangers say is put aside with x, and its author is followed with f", async () => {
  const { peer, rows, press, settle } = await village();
  press("2", "tab");
  rows();
  await settle();
  rows();
  press("x");
  await settle();
  assert.match(peer.calls.join(" "), /dismiss/);
  assert.match(rows().at(-1) ?? "", /requests of eve are hidden/);
});

Deno.test("A user is followed, muted and blocked by a key; what takes something away is asked for", async () => {
  const { peer, rows, press, settle } = await village();
  press("3", "tab", "tab");
  rows();
  await settle();
  rows();
  press("f");
  await settle();
  assert.ok(peer.following.has("erin"));
  press("m");
  await settle();
  assert.deepEqual(peer.muted.map(({ what }) => what), ["erin"]);
  press("m");
  await settle();
  assert.deepEqual(peer.muted, []);
  press("f");
  assert.match(rows().at(-1) ?? "", /Follow erin no longer\?.*y \/ n/);
  press("y");
  await settle();
  assert.ok(!peer.following.has("erin"));
  press("B", "n");
  await settle();
  assert.ok(!peer.blocked.has("erin"));
  press("B", "y");
  await settle();
  assert.ok(peer.blocked.has("erin"));
});

Deno.test("A query that is none says why while it is typed", async () => {
  const { rows, press, type } = await village();
  press("/");
  type("since:tomorrow");
  assert.match(rows().join("\n"), /since:/);
  press("escape", "escape");
  assert.doesNotMatch(rows().join("\n"), /Search:/);
});

Deno.test("Esc leads back through all pages to Home, and no further", async () => {
  const { rows, asked, press, settle } = await village();
  const home = rows()[2];
  press("p");
  await settle();
  rows();
  press("enter");
  await settle();
  rows();
  press("p");
  await settle();
  press("escape", "escape", "escape", "escape", "escape");
  assert.equal(rows()[2], home);
  assert.deepEqual(asked, []);
});

Deno.test("The state of the peer is a page that is kept up to date", async () => {
  const { peer, views, rows, press, type, settle } = await village();
  press(":");
  type("net");
  press("tab", "enter");
  await settle();
  assert.match(rows().join("\n"), /in the network/);
  peer.joined = false;
  views.refresh();
  await settle();
  assert.match(rows().join("\n"), /not in a network/);
});

Deno.test("A click in the title goes there; one on an entry chooses it, a second opens it", async () => {
  const { app, rows, settle } = await village();
  const click = (column: number, row: number) =>
    app.input({ kind: "mouse", what: "click", column, row });
  rows();
  click(5, 4);
  assert.match(rows()[4] ?? "", /▏/);
  click(5, 4);
  await settle();
  assert.match(rows()[2] ?? "", /Thread/);
  click((rows()[0] ?? "").indexOf("People"), 0);
  await settle();
  assert.match(rows()[2] ?? "", /Following/);
});
