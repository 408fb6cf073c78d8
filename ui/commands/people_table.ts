/**
 * The part of the table of commands that is on people: followers, and what the user does not want to see; see
 * `table.ts`.
 *
 * @module
 */

import { muteKinds } from "../../core/model/mute.ts";
import { loadModule } from "../../lib/load_module.ts";
import { argument, flag } from "../shell/table.ts";
import { type Command, command } from "./command.ts";
import { duration } from "./values.ts";

const onPeople = () =>
  loadModule<typeof import("./people_commands.ts")>(
    new URL("./people_commands.ts", import.meta.url),
  );

const what = argument("<what>", "a user (@name), a word, or a post (AUTHOR/ID) for its thread");
const kind = flag(
  "--as <kind>",
  "what it is, where it could be more than one: user, word or thread",
  muteKinds,
);
const username = argument("<user>");

/** The commands on people. */
export const people: readonly Command[] = [
  command({
    name: "followers",
    description: "the users who follow you",
    load: async () => (await onPeople()).followers,
    commands: [
      command({
        name: "remove",
        description: "take a user out of your followers; that user can follow again",
        takes: { username },
        load: async () => (await onPeople()).removeFollower,
      }),
    ],
  }),
  command({
    name: "following",
    description: "the users whom you follow",
    load: async () => (await onPeople()).following,
  }),
  command({
    name: "about",
    description: "what your profile says of you; an empty text takes a part back",
    flags: {
      name: flag("--name <text>", "the name to be shown beside your username, 50 characters"),
      about: flag("--about <text>", "160 characters"),
      link: flag("--link <url>", "an address, 100 characters"),
    },
    load: async () => (await onPeople()).about,
  }),
  command({
    name: "mute",
    description: "hide a user, a word or a thread, on this device alone",
    takes: { what },
    flags: {
      forMs: flag(
        "--for <time>",
        "for how long, such as 30m, 12h, 7d (default: for good)",
        duration,
      ),
      kind,
    },
    after: "\nExamples:\n  camellia mute @bob --for 7d\n  camellia mute football\n" +
      "  camellia mute 'world cup'\n  camellia mute bob/7340032",
    load: async () => (await onPeople()).mute,
  }),
  command({
    name: "unmute",
    description: "show again what was muted",
    takes: { what },
    flags: { kind },
    load: async () => (await onPeople()).unmute,
  }),
  command({
    name: "mutes",
    description: "what is muted, and until when",
    load: async () => (await onPeople()).mutes,
  }),
  command({
    name: "block",
    description: "take nothing from a user any more; unfollows, and removes the follower",
    takes: { username },
    load: async () => (await onPeople()).block,
  }),
  command({
    name: "unblock",
    description: "take what a user sends again",
    takes: { username },
    load: async () => (await onPeople()).unblock,
  }),
  command({
    name: "blocks",
    description: "the users whom you have blocked",
    load: async () => (await onPeople()).blocks,
  }),
];
