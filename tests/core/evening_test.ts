/** An evening of ten people: what each of them sees at its end. */

import assert from "node:assert/strict";
import { checkPrinted } from "../cli_schemas.ts";
import { brief, Evening, nameOf, type Said } from "./evening_world.ts";

const friends = ["alice", "bob", "carol", "dave", "erin", "frank"];
const others = ["grace", "heidi", "ivan", "judy"];

/** Ten people, six of whom follow one another, and what they say first. */
async function arrive(): Promise<Evening> {
  const evening = await Evening.of(...friends, ...others);
  for (const name of friends) {
    await evening.follow(name, ...friends.filter((other) => other !== name));
  }
  await evening.follow("grace", "alice", "carol", "dave");
  await evening.follow("judy", "carol");
  await evening.follow("ivan", "alice");
  await evening.follow("alice", "ivan");
  for (const name of evening.people.keys()) await evening.say(name, `${name}: good evening`);
  return evening;
}

/** A thread of 30 replies by six people in turn, one of whom is away for ten of them. */
async function talk(evening: Evening): Promise<Said[]> {
  const posts = [await evening.say("alice", "Who comes on Sunday?")];
  for (let n = 1; n <= 30; n++) {
    const { machine } = evening.person("erin");
    if (n === 11) await evening.run(machine.stop());
    if (n === 21) {
      await evening.run(machine.start());
      await evening.run(machine.login());
    }
    const next = friends[n % friends.length] ?? "";
    const author = machine.isReady || next !== "erin" ? next : "dave";
    posts.push(await evening.say(author, `answer ${n} by ${author}`, posts.at(-1)));
  }
  return posts;
}

/** Checks what a person's peer gives against what is promised to scripts, and gives back all of it as text. */
async function asPrinted(evening: Evening, name: string, root: Said): Promise<string> {
  const { peer } = evening.person(name).machine;
  const printed: Record<string, unknown> = {
    timeline: await evening.run(peer.timeline({ limit: 100 })),
    notifications: await evening.run(peer.notifications({})),
    requests: await evening.run(peer.requests({})),
    search: await evening.run(peer.search({ query: "cake", limit: 100 })),
    followers: { users: await evening.run(peer.people({ list: "followers" })) },
    following: { users: await evening.run(peer.people({ list: "following" })) },
    mutes: { mutes: await evening.run(peer.mutes()) },
    blocks: { blocks: await evening.run(peer.blocks()) },
    profile: await evening.run(peer.profile({})),
  };
  const texts = [JSON.stringify(printed)];
  for (const [schema, document] of Object.entries(printed)) {
    checkPrinted(schema, JSON.parse(JSON.stringify(document)));
  }
  for (const event of evening.person(name).machine.events) {
    checkPrinted("watch", JSON.parse(JSON.stringify(event)));
  }
  for (const query of ["tiramisu", "rude*"]) {
    texts.push(JSON.stringify(await evening.run(peer.search({ query, limit: 100 }))));
  }
  texts.push(JSON.stringify(await evening.run(peer.thread(nameOf(root.post)))));
  return texts.join("\n");
}

/** The texts of a thread as it has to be at its end, without what the user who began it does not serve. */
function threadOf(evening: Evening, root: Said, without: string): string[] {
  return evening.said.filter((said) => {
    const { post } = said;
    const first = post.root ?? post.reply_to ?? post;
    return first.id === root.post.id && post.author !== without && !evening.isGone(said);
  }).map(({ post }) => brief(post));
}

/** Each post that a person was told of, as events told it. */
function toldOf(evening: Evening, name: string): string[] {
  return evening.person(name).machine.events.flatMap((event) => {
    const one = event.event === "notification"
      ? event.notification
      : event.event === "request"
      ? event.request
      : undefined;
    return one?.post ? [`${one.post.author}/${one.post.id}`] : [];
  });
}

Deno.test("Ten people talk for an evening, and each sees what was meant for them, once", async () => {
  const evening = await arrive();
  await evening.say("heidi", "@alice @judy, who of you knows Ivan?");
  await evening.say("judy", "@bob, are you Carol's brother?");
  await evening.say("alice", "@heidi I do; @grace does, too");
  const thread = await talk(evening);
  const root = thread[0] ?? assert.fail();
  await evening.settle();

  // A mute by word, with what is said before and after.
  await evening.say("dave", "@bob football tonight?");
  await evening.muteWord("bob", "football");
  await evening.say("dave", "@bob no football?");
  await evening.say("carol", "football is dull");

  // A block: what was said is gone, and what is said later does not come.
  await evening.say("ivan", "@alice rude");
  await evening.say("ivan", "rude answer", root);
  await evening.settle();
  await evening.block("alice", "ivan");
  const { events } = evening.person("alice").machine;
  const before = events.length;
  await evening.say("ivan", "@alice @bob ruder");
  await evening.say("ivan", "ruder answer", root);

  // Reposts, one of a post that is taken back.
  const cake = await evening.say("carol", "I bring a cake");
  const secret = await evening.say("carol", "@bob @heidi the secret is tiramisu", thread[5]);
  await evening.settle();
  await evening.repost("frank", cake);
  await evening.repost("dave", secret);
  await evening.say("erin", "what secret?", secret);
  await evening.settle();
  await evening.delete(secret);
  await evening.settle();

  for (const name of evening.people.keys()) {
    const { peer } = evening.person(name).machine;
    const { timeline, notifications, requests } = evening.expected(name);
    const { unread } = await evening.run(peer.status());
    assert.deepEqual(
      [unread.notifications, unread.requests],
      [notifications.length, requests.length],
      `what ${name} has not read`,
    );
    const told = toldOf(evening, name);
    assert.deepEqual(told, [...new Set(told)], `${name} is told of each post once`);
    const { posts } = await evening.run(peer.search({ query: "cake", limit: 9 }));
    const cakes = timeline.filter((line) => line.includes("cake"));
    assert.deepEqual(posts.map(brief), cakes, `what ${name} finds`);
    if (name !== "ivan") {
      const view = await evening.run(peer.thread(nameOf(root.post)));
      const shown = view.posts.filter(({ author }) => author !== "ivan").map(brief);
      assert.deepEqual(shown, threadOf(evening, root, "ivan"), `the thread as ${name} sees it`);
    }
    const all = await asPrinted(evening, name, root);
    assert.doesNotMatch(all, /tiramisu/, `${name} sees what was taken back`);
    if (name === "alice") {
      const rest = all.replace('{"blocks":["ivan"]}', "");
      assert.doesNotMatch(rest, /"ivan"|rude/, "a blocked user shows");
    }
    if (name === "bob") assert.doesNotMatch(all, /football[^"]/, "a muted word shows");
  }
  assert.doesNotMatch(
    JSON.stringify(events.slice(before).filter(({ event }) => event !== "follower")),
    /"ivan"|rude/,
  );

  // What was read stays read, and what comes then is new.
  await evening.run(evening.peer("alice").markRead({ what: "notifications" }));
  await evening.say("carol", "@alice good night");
  await evening.settle();
  assert.equal((await evening.run(evening.peer("alice").status())).unread.notifications, 1);
  await evening.world.stop();
});
