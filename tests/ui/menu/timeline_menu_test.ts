import assert from "node:assert/strict";
import { CamelliaError } from "../../../core/model/errors.ts";
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

Deno.test("The menu's timeline says how many posts the mutes hide, also where they hide all of them", async () => {
  const m = withTerminal(...`${registered}|Timeline|Timeline|back|quit`.split("|"));
  m.host.prepare = (peer) => {
    const { timeline } = peer;
    peer.hidden = 1;
    peer.timeline = async (request) => {
      const page = await timeline(request);
      if (page.posts.length === 0) {
        peer.hidden = 2;
        peer.arrive("bob", "seen");
      }
      return page;
    };
  };
  const { out } = await m.run();
  assert.match(out, /\n\n1 post is hidden by your mutes\n/);
  assert.match(out, / {2}seen\n\n2 posts are hidden by your mutes\n/);
  assert.doesNotMatch(out, /Nothing here yet/);
  assert.deepEqual(m.answers, []);
});

Deno.test("A post that was begun is there again the next time, until it is published", async () => {
  const m = withTerminal(...`${registered}|New post|quit`.split("|"));
  const { compose } = m.prompts;
  const drafts: string[] = [];
  const texts = ["begun", "begun and ended"];
  m.prompts.compose = async (question) => {
    drafts.push(question.draft);
    const text = texts.shift() ?? "";
    question.onChange(text);
    if (text !== "begun") return text;
    await Promise.resolve();
    return undefined;
  };
  await m.run();
  const files = () => [...m.io.files.keys()].filter((path) => path.includes("draft-"));
  assert.equal(files().length, 1);
  m.answers.push(..."Log in as alice|secret|New post|quit".split("|"));
  await m.run();
  assert.deepEqual(drafts, ["", "begun"]);
  assert.deepEqual(files(), []);
  assert.equal(m.host.started.at(-1)?.peer.posts[0]?.text, "begun and ended");
  // What was refused is a draft again.
  m.prompts.compose = compose;
  m.host.prepare = (peer) => {
    peer.post = () =>
      Promise.reject(new CamelliaError("disk_full", "Cannot post: the disk is full"));
  };
  m.answers.push(..."Log in as alice|secret|New post|again|quit".split("|"));
  await m.run();
  assert.equal(files().length, 1);
});
