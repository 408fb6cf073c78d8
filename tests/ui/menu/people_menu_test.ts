import assert from "node:assert/strict";
import { withTerminal } from "./terminal.ts";

Deno.test("In the menu users and words are muted and blocked, and shown again", async () => {
  const week = String(7 * 86_400_000);
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|People|mute|@bob".split("|"),
    week,
    ..."People|mute|cats|0|People|mutes|user bob|People|mute||People|block|Eve".split("|"),
    ..."People|blocks|eve|People|mute|dogs|back|People|back|quit".split("|"),
  );
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.match(out, /Muted user bob until 2026-01-08/);
  assert.match(out, /Muted word cats\n/);
  assert.match(out, /No longer muted: user bob/);
  assert.match(out, /Blocked eve/);
  assert.match(out, /No longer blocked: eve/);
  const peer = m.host.started[0]?.peer;
  assert.deepEqual(peer?.muted.map(({ what }) => what), ["cats"]);
  assert.deepEqual([...peer?.blocked ?? []], []);
  assert.deepEqual(m.answers, []);
});

Deno.test("In the menu a user says something of themselves, and takes it back", async () => {
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|About you|name|Alice|link".split("|"),
    ..."https://alice.example/|about||name|||quit".split("|"),
  );
  const problems: (string | undefined)[] = [];
  const { text } = m.prompts;
  m.prompts.text = (question, signal) => {
    if (/^Link/.test(question.message)) {
      problems.push(question.problem?.("alice.example"), question.problem?.("https://a.example"));
    }
    return text(question, signal);
  };
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.match(problems[0] ?? "", /is not an address that begins with https/);
  assert.equal(problems[1], undefined);
  assert.match(out, /name +Alice/);
  assert.deepEqual(m.host.started[0]?.peer.said, {
    ...{ name: null, about: null, link: "https://alice.example/" },
  });
  assert.deepEqual(m.answers, []);
});

Deno.test("In the menu followers are listed, and one is removed", async () => {
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|People|followers|People|remove|bob".split("|"),
    ..."People|following|People|mutes|People|blocks|People|remove|back|quit".split("|"),
  );
  m.host.prepare = (peer) => void ["bob", "zoe"].forEach((name) => peer.followers.add(name));
  const { out } = await m.run();
  assert.match(out, /bob +online .*\nzoe +offline /);
  assert.match(out, /bob no longer follows you\. To keep it so: camellia block bob/);
  assert.match(out, /Nothing is muted\./);
  assert.match(out, /No user is blocked\./);
  assert.deepEqual(m.answers, []);
});
