/** What commands print for scripts is what docs/cli/ promises, for every field of every schema. */

import assert from "node:assert/strict";
import type { FollowView, ProfileView } from "../../../core/api.ts";
import { utf8 } from "../../../core/model/bytes.ts";
import {
  bare,
  clash,
  Contract,
  events,
  full,
  notification,
  onAccounts,
  onPeer,
  plain,
  security,
} from "../contract.ts";
import { FakePeer } from "../fake_peer.ts";
import { Machine } from "../fake_io.ts";

const profile: Required<Omit<ProfileView, "username" | "fingerprint">> = {
  ...{ name: "Bob", about: "a\x1b[31mb", link: "https://example.org", followers: ["alice"] },
  ...{ following: ["carol"], posts: 2, online: true, clash, forks: 1, unreachable: true },
  listed: { followers: 100_000, following: 3 },
};

const refused: Required<FollowView> = {
  ...{ username: "bob", following: true, acknowledged: false, already: true, refused: true },
};

async function posts(contract: Contract): Promise<void> {
  const [line = ""] = await contract.run("post", "hello");
  const { id } = JSON.parse(line).post;
  const { io } = contract.machine;
  io.stdin = utf8("one\ntwo\n");
  assert.equal((await contract.run("post", "--lines", "--warn", "many")).length, 2);
  await contract.run("reply", "bob/7", "yes");
  await contract.run("repost", `alice/${id}`);
  await contract.run("timeline");
  await contract.run("search", "hello");
  await contract.run("thread", `alice/${id}`);
  await contract.run("delete", id);
  contract.prepare = (peer) => {
    peer.posts.splice(0, Infinity, full, bare, plain);
    peer.indexed = 0.5;
    peer.hidden = 2;
  };
  await contract.run("timeline");
  await contract.run("search", "alice");
  await contract.run("thread", "dave_2/4");
  const live = (peer: FakePeer) => peer.arrive("bob", "live", full.root);
  await contract.watch("thread-watch", 2, live, "dave_2/4");
  await contract.watch("timeline-watch", 4, (peer) => peer.arrive("bob", "live"));
}

async function people(contract: Contract): Promise<void> {
  await contract.run("mute", "@bob", "--for", "7d");
  for (const what of ["football", "bob/5"]) await contract.run("mute", what);
  await contract.run("mutes");
  await contract.run("unmute", "@bob");
  await contract.run("block", "eve");
  await contract.run("blocks");
  await contract.run("unblock", "eve");
  await contract.run("followers");
  await contract.run("following");
  await contract.run("followers-remove", "zoe");
  await contract.run("about");
  await contract.run("about", "--name", "Alice", "--about", "a\x1b[31mb", "--link", "x");
  await contract.run("profile");
  await contract.run("follow", "carol", "offline");
  await contract.run("unfollow", "carol");
  contract.prepare = (peer) => {
    peer.profile = () => Promise.resolve({ ...FakePeer.view("bob"), ...profile });
    peer.follow = () => Promise.resolve(refused);
    const reason = "3 users whom you follow do";
    peer.suggestions = [{ username: "dave", kind: "know", reason }];
  };
  await contract.run("profile", "bob");
  await contract.run("follow", "bob");
  await contract.run("suggest");
}

async function page(contract: Contract): Promise<void> {
  const { io, ended } = contract.machine.start("--json", "web", "--no-open");
  await io.until(() => io.stdout.includes("\n"));
  contract.take("web", io.stdout.trim());
  io.interrupt();
  assert.equal(await ended, 0);
  await contract.run("web", "--stop");
}

async function news(contract: Contract): Promise<void> {
  contract.prepare = (peer) => {
    peer.told = { notifications: [security, notification], requests: [notification] };
  };
  await contract.run("notifications", "--read");
  await contract.run("requests");
  await contract.watch("notifications-watch", 3, (peer) => {
    peer.emit({ event: "notification", notification: { ...notification, id: "3" } });
  });
  const all = Object.values(events).flat();
  await contract.watch("watch", all.length, (peer) => all.forEach((event) => peer.emit(event)));
}

async function settings(contract: Contract): Promise<void> {
  await contract.run("config-list", "--port", "9000");
  await contract.run("config-set", "lifespan", "7d");
  await contract.run("config-get", "lifespan");
  await contract.run("config-unset", "lifespan");
}

Deno.test("What the commands print for scripts is what docs/cli/ describes, field by field", async () => {
  const contract = new Contract(await Machine.withAlice());
  await posts(contract);
  contract.prepare = () => {};
  await people(contract);
  await news(contract);
  await settings(contract);
  await page(contract);
  const { code, out, err } = await contract.machine.run("--json", "unmute", "nothing");
  assert.deepEqual([code, out], [1, ""]);
  contract.take("error", err);
  contract.proves((command) => !onAccounts.has(command) && !onPeer.has(command));
});
