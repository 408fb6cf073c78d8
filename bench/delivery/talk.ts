/**
 * Conversations between peers that do not know one another: mentions of users who are online and of one who is not,
 * and a long thread.
 *
 * @module
 */

import type { PostView, RequestsView, ThreadView } from "../../core/api.ts";
import { Hosts } from "./hosts.ts";
import { note, now, option, print, rounded, sleep, summary } from "./measure.ts";
import type { PeerSpec } from "./peers.ts";

/** Waits until a user was told of so many requests. */
async function untilAsked(
  host: ReturnType<Hosts["start"]>,
  name: string,
  count: number,
): Promise<void> {
  const argument = { limit: 1_000 };
  for (;;) {
    const found = await host.call("ask", { name, method: "requests", argument });
    if ((found as RequestsView).requests.length >= count) return;
    await sleep(20);
  }
}

/** A mention of a stranger who is online: from the call to the event there. `--rounds=10`. */
export async function mention(): Promise<void> {
  const rounds = option("rounds", 10);
  await using hosts = await Hosts.create();
  const { bootstrap } = await hosts.startNode();
  const whole = (name: string): PeerSpec => ({
    ...{ name, kind: "whole", folder: hosts.path(name), bootstrap },
  });
  const [author, reader] = [hosts.start(), hosts.start()];
  const authors = Array.from({ length: Math.ceil(rounds / 8) }, (_, i) => `author_${i}`);
  await author.call("start", authors.map(whole));
  await author.call("register", authors);
  await reader.call("start", [whole("reader")]);
  await reader.call("register", ["reader"]);
  const times: number[] = [];
  const first: number[] = [];
  for (let i = 0; i < rounds + authors.length; i++) {
    const text = `@reader number ${i}`;
    const name = authors[i % authors.length] ?? "";
    const { calledAt } = await author.call("post", { name, text });
    const { last } = await reader.call("told", text);
    (i < authors.length ? first : times).push(last - calledAt);
  }
  await print({
    row: "mention of a stranger: notification on a peer that is online",
    target: "60 ms",
    figures: { ms: summary(times), first_ms: summary(first) },
    setting:
      "whole peers, author and reader in a process each; the first mention of an author looks the " +
      "reader up and opens links",
  });
  for (const fault of new Set(await hosts.faults())) note(fault);
}

/** A mention of a user who is offline, whose author is gone when that user logs in. `--rounds=3`. */
export async function absent(): Promise<void> {
  const rounds = option("rounds", 3);
  await using hosts = await Hosts.create();
  const { bootstrap } = await hosts.startNode();
  const whole = (name: string): PeerSpec => ({
    ...{ name, kind: "whole", folder: hosts.path(name), bootstrap },
  });
  const reader = hosts.start();
  await reader.call("start", [whole("reader")]);
  await reader.call("register", ["reader"]);
  const followers = Array.from({ length: 4 }, (_, i) => `follower_${i}`);
  const friends = await hosts.startLight(followers, bootstrap);
  for (const name of followers) await friends.call("follow", { name, users: ["reader"] });
  // The list of followers is published within a few seconds.
  await sleep(5_000);
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const author = hosts.start();
    const name = `author_${i}`;
    await author.call("start", [whole(name)]);
    await author.call("register", [name]);
    await reader.call("logout", ["reader"]);
    const text = `@reader number ${i}`;
    await author.call("post", { name, text });
    // An acknowledgement that does not come is waited for, then followers are asked.
    await sleep(8_000);
    await hosts.end(author);
    const { calledAt } = await reader.call("login", ["reader"]);
    const { last } = await reader.call("told", text);
    times.push(last - calledAt);
  }
  await print({
    row: "mention of a user who is offline: there after the login, the author gone",
    target: "3,000 ms",
    figures: { ms: summary(times) },
    setting:
      "whole peers for author and reader, four followers with databases in memory; the author is " +
      "killed before the login, and the time begins with the call of it",
  });
  for (const fault of new Set(await hosts.faults())) note(fault);
}

/** A thread of 200 replies by 50 users, opened by users who know none of them. `--rounds=3`. */
export async function thread(): Promise<void> {
  const rounds = option("rounds", 3);
  const [authorCount, each] = [50, 4];
  await using hosts = await Hosts.create();
  const { bootstrap } = await hosts.startNode();
  const whole = (name: string): PeerSpec => ({
    ...{ name, kind: "whole", folder: hosts.path(name), bootstrap },
  });
  const alice = hosts.start();
  await alice.call("start", [whole("alice")]);
  await alice.call("register", ["alice"]);
  const names = Array.from({ length: authorCount }, (_, i) => `author_${i}`);
  const others = await hosts.startLight(names, bootstrap);
  const root = await alice.call("ask", {
    ...{ name: "alice", method: "post", argument: { text: "What do you all think?" } },
  }) as PostView;
  const replyTo = { author: "alice", id: root.id };
  for (let i = 0; i < each; i++) {
    for (const name of names) {
      const argument = { text: `${name} says number ${i}, of usual length`, replyTo, force: true };
      await others.call("ask", { name, method: "post", argument });
    }
  }
  await untilAsked(alice, "alice", authorCount * each);
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const reader = hosts.start();
    const name = `reader_${i}`;
    await reader.call("start", [whole(name)]);
    await reader.call("register", [name]);
    await sleep(2_000);
    const calledAt = now();
    const view = await reader.call("ask", { name, method: "thread", argument: replyTo });
    times.push(now() - calledAt);
    const { posts } = view as ThreadView;
    note(`${posts.length} posts, ${posts.filter(({ verified }) => verified).length} verified`);
    await hosts.end(reader);
  }
  await print({
    row: "thread of 200 replies by 50 authors, fetched, verified, stored, the names looked up",
    target: "1,000 ms",
    figures: { ms: summary(times.map(rounded)) },
    setting:
      "whole peers for the user who began it and for each reader, a fresh one a round that knows " +
      "none of the authors; these with databases in memory, links and DHT nodes real",
  });
  for (const fault of new Set(await hosts.faults())) note(fault);
}
