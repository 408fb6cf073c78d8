/**
 * The entries of the menu: what each says and does.
 *
 * @module
 */

import type { UserView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import {
  blocking,
  following,
  muting,
  register,
  removingFollower,
  requireFree,
  requireKnown,
  showingBlocks,
  showingMutes,
  showingPeople,
  showingProfile,
  showingStatus,
  suggesting,
  unblocking,
  unfollowing,
  unmuting,
} from "../commands/tasks.ts";
import { showWords } from "../commands/words.ts";
import { logIn } from "../peer/own_peer.ts";
import { passwordFor } from "../prompts/password_source.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { withSpinner } from "../terminal/spinner.ts";
import { recoverAccount, showAccount } from "./account_actions.ts";
import { describeSelf } from "./about_actions.ts";
import { browseTimeline, searchPosts, writePost } from "./timeline_actions.ts";
import { inviteFriend, joinByInvite } from "./invite_actions.ts";
import { showNotifications, showRequests } from "./notification_actions.ts";
import { showSettings } from "./settings_actions.ts";
import {
  askName,
  chooseOne,
  greet,
  type MenuActions,
  type MenuContext,
  sayFailure,
  tell,
} from "./questions.ts";

/** Codes after which another try with other answers makes sense. */
const askAgain: ReadonlySet<string> = new Set([
  "name_taken",
  "weak_password",
  "wrong_password",
  "no_password",
]);

/** Asks for one of several users; undefined for back. */
function chooseUser(menu: MenuContext, message: string, usernames: readonly string[]) {
  return chooseOne(menu, message, usernames.map((name) => ({ value: name, name })));
}

/** Whether the sealed keys are to stay on this machine. Where the settings keep all of them here, it is not asked. */
async function askForLocalKeys({ prompts, settings, signal }: MenuContext): Promise<boolean> {
  if (settings?.publishPrivate === false) return false;
  const chosen = await prompts.choice({
    message: "Where are your keys kept, sealed under your password?",
    choices: [
      { value: "network", name: "In the network: you can log in on any machine" },
      { value: "local", name: "On this machine alone: no stranger can guess at the password" },
    ],
  }, signal);
  return chosen === "local";
}

/** Registers, asking again for what was wrong. */
async function askAndRegister(menu: MenuContext): Promise<void> {
  const { api } = menu;
  // Loads while the name is typed. If it fails, so does the registration, which says why.
  api.prepare().catch(() => {});
  let username = await askName(menu, "Username");
  let localKeys: boolean | undefined;
  while (username !== undefined) {
    try {
      await requireFree(menu, api, username);
      localKeys ??= await askForLocalKeys(menu);
      const password = await passwordFor(menu, { username, kind: "new" });
      const user = await register(menu, api, { username, password, localKeys });
      await greet(menu, "Registered", user);
      await showWords(menu, api, { username, password });
      return;
    } catch (error) {
      if (!(error instanceof CamelliaError) || !askAgain.has(error.code)) throw error;
      await sayFailure(menu, error);
      if (error.code === "name_taken") username = await askName(menu, "Another username");
    }
  }
}

async function enter(menu: MenuContext, known?: string): Promise<void> {
  const username = known ?? await askName(menu, "Username");
  if (username === undefined) return;
  await requireKnown(menu, menu.api, username);
  const password = await passwordFor(menu, { username, kind: "login" });
  await greet(menu, "Logged in", await logIn(menu, menu.api, { username, password }));
}

/** Joins by an invite: the one given, or one that is asked for. */
export async function useInvite(menu: MenuContext, invite?: string): Promise<void> {
  const ways = { register: () => askAndRegister(menu), enter: () => enter(menu) };
  await joinByInvite(menu, ways, invite);
}

/** The menu while no user is logged in. */
export async function startActions(menu: MenuContext): Promise<MenuActions> {
  // A person has a handful of accounts; a screen has room for no more.
  const known = (await menu.api.users()).slice(0, 5);
  const registering = ["Register", () => askAndRegister(menu)] as const;
  const network = ["Network", () => tell(menu, showingStatus, undefined)] as const;
  // A person without an account here most likely has none anywhere.
  const recovering = ["Recover an account", () => recoverAccount(menu)] as const;
  if (known.length === 0) {
    const invited = ["I have an invite", () => useInvite(menu)] as const;
    return [invited, registering, ["Log in", () => enter(menu)], recovering, network];
  }
  return [
    ...known.map((name) => [`Log in as ${name}`, () => enter(menu, name)] as const),
    ["Log in as another user", () => enter(menu)],
    registering,
    recovering,
    network,
  ];
}

async function follow(menu: MenuContext): Promise<void> {
  const username = await askName(menu, "Follow whom?");
  if (username !== undefined) await tell(menu, following, { username });
}

/** Followers and what the user does not want to see. */
async function showPeople(menu: MenuContext): Promise<void> {
  const chosen = await chooseOne(menu, "People", [
    { value: "followers", name: "Your followers" },
    { value: "following", name: "Whom you follow" },
    { value: "remove", name: "Remove a follower" },
    { value: "mute", name: "Mute a user, a word or a thread" },
    { value: "mutes", name: "What is muted" },
    { value: "block", name: "Block a user" },
    { value: "blocks", name: "Who is blocked" },
  ]);
  if (chosen === "followers" || chosen === "following") {
    await tell(menu, showingPeople(chosen), undefined);
  } else if (chosen === "remove") await removeFollower(menu);
  else if (chosen === "mute") await mute(menu);
  else if (chosen === "mutes") await unmute(menu);
  else if (chosen === "block") {
    const username = await askName(menu, "Block whom?");
    if (username !== undefined) await tell(menu, blocking, { username });
  } else if (chosen === "blocks") await unblock(menu);
}

async function removeFollower(menu: MenuContext): Promise<void> {
  const { followers } = await menu.api.profile({}, menu.signal);
  if (followers.length === 0) return await menu.say("No user follows you.");
  const username = await chooseUser(menu, "Remove whom?", followers);
  if (username !== undefined) await tell(menu, removingFollower, { username });
}

async function mute(menu: MenuContext): Promise<void> {
  const question = { message: "Mute what? @user, a word, or AUTHOR/ID of a post (empty: back)" };
  const what = await menu.prompts.text(question, menu.signal);
  if (what.trim() === "") return;
  const day = 86_400_000;
  const chosen = await chooseOne(menu, "For how long?", [
    { value: String(day), name: "A day" },
    { value: String(7 * day), name: "A week" },
    { value: "0", name: "For good" },
  ]);
  if (chosen === undefined) return;
  const forMs = Number(chosen);
  await tell(menu, muting, forMs === 0 ? { what } : { what, forMs });
}

async function unmute(menu: MenuContext): Promise<void> {
  const mutes = await tell(menu, showingMutes, undefined);
  if (mutes.length === 0) return;
  const chosen = await chooseOne(
    menu,
    "Show one of them again?",
    mutes.map(({ kind, what }) => ({
      value: `${kind} ${what}`,
      name: safeLine(`${kind} ${what}`),
    })),
  );
  const mute = mutes.find(({ kind, what }) => `${kind} ${what}` === chosen);
  if (mute !== undefined) await tell(menu, unmuting, { kind: mute.kind, what: mute.what });
}

async function unblock(menu: MenuContext): Promise<void> {
  const blocks = await tell(menu, showingBlocks, undefined);
  if (blocks.length === 0) return;
  const username = await chooseUser(menu, "Unblock one of them?", blocks);
  if (username !== undefined) await tell(menu, unblocking, { username });
}

async function unfollow(menu: MenuContext): Promise<void> {
  const profile = await menu.api.profile({}, menu.signal);
  if (profile.following.length === 0) return await menu.say("You follow no users.");
  const username = await chooseUser(menu, "Unfollow whom?", profile.following);
  if (username !== undefined) await tell(menu, unfollowing, { username });
}

async function showProfile(menu: MenuContext): Promise<void> {
  const username = await askName(menu, "Whose profile?", "your own");
  await tell(menu, showingProfile, username === undefined ? {} : { username });
}

async function suggest(menu: MenuContext): Promise<void> {
  const suggestions = await tell(menu, suggesting, undefined);
  if (suggestions.length === 0) return;
  const names = suggestions.map(({ username }) => username);
  const username = await chooseUser(menu, "Follow one of them?", names);
  if (username !== undefined) await tell(menu, following, { username });
}

/** Logs out. Where the peer runs in another process, that was started on purpose: it is asked, and runs on. */
async function logOut(menu: MenuContext): Promise<void> {
  const isOthers = menu.settings === undefined;
  if (isOthers) {
    const chosen = await chooseOne(menu, "The peer runs in another process. Log out there?", [
      { value: "yes", name: "Log out there; that peer runs on without a user" },
    ]);
    if (chosen === undefined) return;
  }
  const work = menu.api.logout({ stay: isOthers }, menu.signal);
  const { username } = await withSpinner(menu.io, "Logging out", work);
  // The event would say the same once more.
  menu.feed.clear();
  await menu.say(`Logged out: ${username}`);
}

/** The menu of the user who is logged in. */
export function userActions(menu: MenuContext, user: UserView): MenuActions {
  return [
    ["New post", () => writePost(menu)],
    ["Timeline", () => browseTimeline(menu, user.username)],
    ["Notifications", () => showNotifications(menu)],
    ["Requests", () => showRequests(menu)],
    ["Search", () => searchPosts(menu, user.username)],
    ["Follow", () => follow(menu)],
    ["Unfollow", () => unfollow(menu)],
    ["People", () => showPeople(menu)],
    ["Profile", () => showProfile(menu)],
    ["About you", () => describeSelf(menu)],
    ["Suggestions", () => suggest(menu)],
    ["Invite a friend", () => inviteFriend(menu)],
    ["Network", () => tell(menu, showingStatus, undefined)],
    ["Account", () => showAccount(menu, user)],
    ["Settings", () => showSettings(menu)],
    ["Log out", () => logOut(menu)],
  ];
}
