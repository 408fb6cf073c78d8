import assert from "node:assert/strict";
import { SystemRandom } from "../../../net/system/system_random.ts";
import { PageServer } from "../../../ui/web/page_server.ts";
import { settingAction, settingsSection } from "../../../ui/web/settings_section.ts";
import { FakePeer } from "../fake_peer.ts";
import { MemorySettings } from "../views/memory_settings.ts";

const { signal } = new AbortController();

Deno.test("The page has a form for each setting, with its value and what is allowed", async () => {
  const settings = new MemorySettings();
  settings.text = "[NTP]\nSERVERS = none\n";
  const html = String(await settingsSection(settings));
  assert.equal(html.match(/data-form="setting"/g)?.length, 20);
  assert.match(html, /name="value"[^>]* value="none"/);
  assert.match(html, /Servers that the clock is set by \(set\)/);
  assert.match(html, /default\.port: a port from 0 to 65535; default: 8000/);
  const labelled = [...html.matchAll(/<label for="([^"]+)"/g)].map(([, id]) => id);
  for (const id of labelled) assert.ok(html.includes(`id="${id}"`), id);
});

Deno.test("Settings that cannot be shown or changed say why, and what is in a file is text", async () => {
  const settings = new MemorySettings();
  settings.text = "[<script>alert(1)</script>]\n";
  const html = String(await settingsSection(settings));
  assert.match(html, /&lt;SCRIPT&gt;/);
  assert.doesNotMatch(html, /<script|data-form/i);
  settings.text = "";
  settings.refusal = "/mine.ini was named with --config";
  assert.match(String(await settingsSection(settings)), /\/mine\.ini was named/);
});

Deno.test("A setting is written by the page, taken back by an empty field, and refused where it is none", async () => {
  const settings = new MemorySettings();
  const write = settingAction(settings);
  const run = (argument: unknown) => write(new FakePeer(), argument, signal);
  const { said } = await run({ name: "reach.mode", value: "relay" });
  assert.match(said, /reach\.mode is written/);
  assert.match(settings.text, /MODE = relay/);
  await run({ name: "reach.mode", value: " " });
  assert.doesNotMatch(settings.text, /MODE/);
  for (
    const wrong of [
      { name: "reach.mode", value: "direct" },
      { name: "reach", value: "relay" },
      { name: "default.ip", value: "::\n[REACH]\nMODE = relay" },
      { name: "lifespan" },
      { name: "lifespan", value: "1".repeat(4_001) },
      null,
    ]
  ) await assert.rejects(run(wrong), { code: "invalid_argument" });
  assert.doesNotMatch(settings.text, /MODE/);
});

Deno.test("Only who has the page's token changes a setting, and without settings there is no form", async () => {
  const settings = new MemorySettings();
  const api = new FakePeer();
  api.user = FakePeer.view("alice");
  const random = new SystemRandom();
  const parts = { api, randomBytes: (length: number) => random.bytes(length), log: () => {} };
  for (const port of [settings, undefined]) {
    const server = await PageServer.open({ ...parts, settings: port });
    try {
      const origin = `http://127.0.0.1:${server.port}`;
      const post = (path: string, body: unknown, headers: Record<string, string>) =>
        fetch(`${origin}${path}`, {
          method: "POST",
          headers: { origin, "content-type": "application/json", ...headers },
          body: JSON.stringify(body),
        });
      const entered = await post("/session", { code: server.code() }, {});
      const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
      const { at, token } = await entered.json();
      const screen = await (await fetch(`${origin}${at}settings`, { headers: { cookie } })).text();
      assert.equal(screen.includes('data-form="setting"'), port !== undefined);
      const change = { name: "reach.relay", value: "no" };
      const refused = await post(`${at}do/setting`, change, { cookie });
      assert.equal(refused.status, 403);
      await refused.body?.cancel();
      assert.equal(settings.text.includes("RELAY"), port === undefined);
      const done = await post(`${at}do/setting`, change, { cookie, "camellia-token": token });
      assert.equal(done.status, port === undefined ? 404 : 200);
      await done.body?.cancel();
      assert.match(settings.text, /RELAY = no/);
    } finally {
      await server.close();
    }
  }
});
