/**
 * What can be typed after a colon: all that the menu does.
 *
 * @module
 */

/** Something that can be typed. */
export interface CommandEntry {
  /** Its name. */
  readonly name: string;
  /** What it takes, as the help shows it. */
  readonly takes?: string;
  /** What it does. */
  readonly help: string;
  /** The entry of the menu that does it, outside the screen. */
  readonly menu?: string;
}

const inMenu = (name: string, menu: string, help: string): CommandEntry => ({ name, menu, help });

/** All of them, in the order of the help. */
export const commandTable = [
  { name: "post", help: "write a new post" },
  { name: "home", help: "your timeline" },
  { name: "mentions", help: "what you are told of" },
  { name: "requests", help: "what strangers say" },
  { name: "people", help: "whom you follow, your followers, suggestions" },
  { name: "search", takes: "WORDS", help: "search your posts" },
  { name: "profile", takes: "[NAME]", help: "the profile of a user; yours without a name" },
  { name: "follow", takes: "NAME", help: "follow a user" },
  {
    name: "unfollow",
    takes: "NAME",
    help: "follow a user no longer; their posts are removed here",
  },
  { name: "mute", takes: "WHAT", help: "hide @name, a word, or AUTHOR/ID and its thread" },
  { name: "unmute", takes: "WHAT", help: "show it again" },
  { name: "mutes", help: "what is muted" },
  { name: "block", takes: "NAME", help: "take nothing from a user any more" },
  { name: "unblock", takes: "NAME", help: "take what a user sends again" },
  { name: "blocks", help: "who is blocked" },
  { name: "remove", takes: "NAME", help: "take a user out of your followers" },
  { name: "read", help: "mark all as read" },
  { name: "network", help: "the state of your peer: network, reach, clock, database" },
  inMenu("invite", "Invite a friend", "make an invite for a friend"),
  inMenu("about", "About you", "what your profile says: a name, a few words, a link"),
  inMenu("account", "Account", "your account: password, recovery words, devices"),
  { name: "settings", help: "how your peer is set up, and changing that" },
  inMenu("logout", "Log out", "log out, and end the screen"),
  { name: "help", help: "the keys and commands" },
  { name: "quit", help: "end the screen" },
] as const satisfies readonly CommandEntry[];

/** The name of a command. */
export type CommandName = typeof commandTable[number]["name"];

/** The command of that name, or the only one that begins so. */
export function findCommand(
  typed: string,
): CommandEntry & { readonly name: CommandName } | undefined {
  const exact = commandTable.find(({ name }) => name === typed);
  if (exact !== undefined || typed === "") return exact;
  const begun = commandTable.filter(({ name }) => name.startsWith(typed));
  return begun.length === 1 ? begun[0] : undefined;
}
