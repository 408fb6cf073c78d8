import assert from "node:assert/strict";
import { CamelliaError } from "../../../core/model/errors.ts";
import { MemorySettings } from "./memory_settings.ts";
import { viewsWorld } from "./world.ts";

Deno.test("Settings stand in groups, and a change is written or says why not", async () => {
  const { views, peer: api, settle } = viewsWorld();
  const port = new MemorySettings();
  const settings = views.settings(port);
  await settle();
  const view = settings.view();
  assert.deepEqual(view.groups.map(({ title }) => title), [
    "Network",
    "Reach",
    "Posts of others",
    "Clock",
    "Privacy and limits",
  ]);
  assert.deepEqual([view.path, view.refusal, view.notice], ["/data/config.ini", null, ""]);
  const row = () => settings.view().groups[0]?.rows[0];
  assert.deepEqual([row()?.name, row()?.shown, row()?.sourceText], ["bootstrap.nodes", "none", ""]);
  assert.equal(settings.problem("bootstrap.nodes", "a.example:1"), null);
  assert.match(settings.problem("bootstrap.nodes", "a.example") ?? "", /HOST:PORT/);
  assert.equal(await settings.change("bootstrap.nodes", "a.example"), false);
  assert.match(row()?.refused ?? "", /Cannot set bootstrap\.nodes/);
  assert.equal(await settings.change("bootstrap.nodes", "a.example:1"), true);
  assert.deepEqual([row()?.shown, row()?.sourceText, row()?.refused], ["a.example:1", "set", null]);
  assert.match(settings.view().notice, /^bootstrap\.nodes is written, and is in force\.$/);
  assert.equal(await settings.change("bootstrap.nodes", undefined), true);
  assert.match(settings.view().notice, /has its default again, and is in force/);
  assert.deepEqual(api.calls.filter((name) => name === "reload"), ["reload", "reload"]);
  await settings.change("default.port", "1");
  assert.match(settings.view().notice, /takes effect when the peer is stopped and started again/);
  api.reload = () => Promise.reject(new CamelliaError("no_peer", "The peer has stopped"));
  await settings.change("bootstrap.nodes", "b.example:1");
  assert.match(settings.view().notice, /takes effect when the peer is stopped and started again/);
});

Deno.test("A file that cannot be used is told of", async () => {
  const { views, settle } = viewsWorld();
  const port = new MemorySettings();
  port.text = "[X]\n";
  const settings = views.settings(port);
  await settle();
  assert.match(settings.view().problem ?? "", /line 1: "X" is no section/);
  port.change = () => Promise.reject(new CamelliaError("disk_full", "Cannot write: full"));
  assert.equal(await settings.change("default.port", "1"), false);
});
