import assert from "node:assert/strict";
import { withTerminal } from "./terminal.ts";

const registered = "init|Register|alice|network|secret|secret";

Deno.test("In the timeline a post is passed on, and an own one deleted", async () => {
  const m = withTerminal(
    ...`${registered}|New post|mine|Timeline|repost|bob/1000|delete|alice/1001|back|quit`.split(
      "|",
    ),
  );
  m.host.prepare = (peer) => void peer.arrive("bob", "Bob's");
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.match(out, /alice reposted · .*\n {2}bob · .*\n {4}Bob's\n/);
  assert.match(out, /The post is deleted\./);
  const posts = m.host.started[0]?.peer.posts ?? [];
  assert.deepEqual(posts.map(({ text, repost_of }) => repost_of?.text ?? text), ["Bob's", "Bob's"]);
  assert.deepEqual(m.answers, []);
});

Deno.test("In the timeline texts behind content warnings are shown for the page at hand", async () => {
  const m = withTerminal(...`${registered}|Timeline|reveal|reply|back|back|quit`.split("|"));
  m.host.prepare = (peer) => {
    const post = peer.arrive("bob", "the butler");
    peer.posts[0] = { ...post, warning: "spoilers" };
  };
  const { choice } = m.prompts;
  const offered: string[] = [];
  m.prompts.choice = (question, signal) => {
    offered.push(...question.choices.map(({ name }) => name));
    return choice(question, signal);
  };
  const { out } = await m.run();
  const pages = out.split("Content warning: spoilers").slice(1);
  assert.equal(pages.length, 3);
  assert.deepEqual(pages.map((page) => page.includes("the butler")), [false, true, false]);
  assert.ok(offered.includes("bob: (spoilers)"), "the choice of a post does not tell either");
  assert.deepEqual(m.answers, []);
});
