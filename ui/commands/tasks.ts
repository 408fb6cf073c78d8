/**
 * What commands and the menu ask of a peer alike: one call, what shows while it goes on, and how its
 * result is told.
 *
 * @module
 */

import type { AboutPart } from "../../core/model/about.ts";
import type {
  AboutView,
  BlockView,
  DeviceView,
  FollowedView,
  FollowView,
  MuteRequest,
  MuteView,
  PeerCalls,
  PostDraft,
  PostNameView,
  PostView,
  ProfileView,
  Recovery,
  Registration,
  SearchRequest,
  SearchView,
  StatusView,
  SuggestionView,
  UserView,
} from "../../core/api.ts";
import { CamelliaError, type ErrorCode } from "../../core/model/errors.ts";
import type { Look } from "../output/look.ts";
import { renderFound, renderPost } from "../output/render_post.ts";
import {
  renderDevices,
  renderFollow,
  renderProfile,
  renderStatus,
  renderSuggestions,
} from "../output/render.ts";
import { renderAbout, renderMute, renderPeople } from "../output/render_people.ts";
import { type Need, withPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";
import { asksForChanged, asksForNew, passwordFor } from "../prompts/password_source.ts";
import { deletedText } from "../views/words.ts";
import { withSpinner } from "../terminal/spinner.ts";

/** One call to a peer. */
export interface Task<Request, Result> {
  /** What the spinner says meanwhile. */
  readonly doing: (request: Request) => string;
  /** The call. */
  readonly call: (api: PeerCalls, request: Request, signal: AbortSignal) => Promise<Result>;
  /** The result for people. */
  readonly text: (result: Result, look: Look) => string;
  /** The result for scripts, where it is not the result itself. */
  readonly json?: (result: Result) => unknown;
}

/** Publishes a post. */
export const posting: Task<PostDraft, PostView> = {
  doing: () => "Posting",
  call: (api, draft) => api.post(draft),
  text: renderPost,
  json: (post) => ({ post }),
};

/** Passes a post on. */
export const reposting: Task<PostNameView, PostView> = {
  doing: () => "Reposting",
  call: (api, name) => api.repost(name),
  text: renderPost,
  json: (post) => ({ post }),
};

/** Takes own posts back. */
export const deleting: Task<{ ids: readonly string[] }, string[]> = {
  doing: () => "Deleting",
  call: (api, request) => api.deletePosts(request),
  text: (ids) => deletedText(ids.length),
  json: (deleted) => ({ deleted }),
};

/** Searches the posts on this machine. */
export const searching: Task<SearchRequest, SearchView> = {
  doing: () => "Searching",
  call: (api, request) => api.search(request),
  text: renderFound,
};

/** Follows a user. */
export const following: Task<{ username: string; fingerprint?: string }, FollowView> = {
  doing: ({ username }) => `Looking for ${username}`,
  call: (api, request, signal) => api.follow(request, signal),
  text: renderFollow,
};

/** Unfollows a user. */
export const unfollowing: Task<{ username: string }, FollowView> = {
  doing: ({ username }) => `Unfollowing ${username}`,
  call: (api, request, signal) => api.unfollow(request, signal),
  text: renderFollow,
};

/** Shows a profile; the own one without a name. */
export const showingProfile: Task<{ username?: string }, ProfileView> = {
  doing: () => "Looking",
  call: (api, request, signal) => api.profile(request, signal),
  text: renderProfile,
};

/** Hides a user, a word or a thread. */
export const muting: Task<MuteRequest, MuteView> = {
  doing: ({ what }) => `Muting ${what}`,
  call: (api, request) => api.mute(request),
  text: (mute, look) => `Muted ${renderMute(mute, look)}`,
};

/** Shows again what was muted. */
export const unmuting: Task<MuteRequest, MuteView> = {
  doing: ({ what }) => `Showing ${what} again`,
  call: (api, request) => api.unmute(request),
  text: (mute, look) => `No longer muted: ${renderMute({ ...mute, until: null }, look)}`,
};

/** Shows what is muted. */
export const showingMutes: Task<void, MuteView[]> = {
  doing: () => "Looking",
  call: (api) => api.mutes(),
  text: (mutes, look) =>
    mutes.length === 0
      ? "Nothing is muted."
      : mutes.map((mute) => renderMute(mute, look)).join("\n"),
  json: (mutes) => ({ mutes }),
};

/** Takes nothing from a user any more. */
export const blocking: Task<{ username: string }, BlockView> = {
  doing: ({ username }) => `Blocking ${username}`,
  call: (api, request) => api.block(request),
  text: ({ username }, { paint }) =>
    `Blocked ${
      paint.name(username)
    }: nothing is taken from them, and they are told so if they follow.`,
};

/** Takes what a user sends again. */
export const unblocking: Task<{ username: string }, BlockView> = {
  doing: ({ username }) => `Unblocking ${username}`,
  call: (api, request) => api.unblock(request),
  text: ({ username }, { paint }) => `No longer blocked: ${paint.name(username)}`,
};

/** Shows who is blocked. */
export const showingBlocks: Task<void, string[]> = {
  doing: () => "Looking",
  call: (api) => api.blocks(),
  text: (blocks) => blocks.length === 0 ? "No user is blocked." : blocks.join("\n"),
  json: (blocks) => ({ blocks }),
};

/** Takes a user out of the followers. */
export const removingFollower: Task<{ username: string }, { username: string }> = {
  doing: ({ username }) => `Removing ${username}`,
  call: (api, request) => api.removeFollower(request),
  text: ({ username }, { paint }) =>
    `${paint.name(username)} no longer follows you. To keep it so: camellia block ${username}`,
};

/** Shows the followers, or the users who are followed. */
export const showingPeople = (
  list: "followers" | "following",
): Task<void, FollowedView[]> => ({
  doing: () => "Looking who is online",
  call: (api, _request, signal) => api.people({ list }, signal),
  text: (users, look) => renderPeople(list, users, look),
  json: (users) => ({ users }),
});

/** Changes what the user says of themselves, or shows it. */
export const describing: Task<Readonly<Partial<Record<AboutPart, string>>>, AboutView> = {
  doing: () => "Changing the profile",
  call: (api, request, signal) => api.about(request, signal),
  text: (about, look) => renderAbout(about, look).join("\n") || "Your profile says nothing yet.",
};

/** Suggests users to follow. */
export const suggesting: Task<void, SuggestionView[]> = {
  doing: () => "Asking around",
  call: (api, _request, signal) => api.suggest(signal),
  text: renderSuggestions,
  json: (suggestions) => ({ suggestions }),
};

/** Lists the user's own devices. */
export const showingDevices: Task<void, DeviceView[]> = {
  doing: () => "Looking",
  call: (api, _request, signal) => api.devices(signal),
  text: renderDevices,
  json: (devices) => ({ devices }),
};

/** Sends one of them away. */
export const removingDevice: Task<{ device: number }, DeviceView[]> = {
  doing: ({ device }) => `Removing device ${device}`,
  call: (api, request, signal) => api.removeDevice(request, signal),
  text: (devices, look) =>
    "The device is removed, and logs out once it sees that: within five minutes if it is in the " +
    `network. What is left:\n${renderDevices(devices, look)}`,
  json: (devices) => ({ devices }),
};

/** Shows the state of the peer. */
export const showingStatus: Task<void, StatusView> = {
  doing: () => "Looking",
  call: (api) => api.status(),
  text: renderStatus,
};

/** Refuses a name that cannot be registered, before the person invents a password for it. */
export async function requireFree(
  { io, signal }: Context,
  api: PeerCalls,
  username: string,
): Promise<void> {
  await withSpinner(io, `Asking whether ${username} is free`, api.checkName(username, signal));
}

/**
 * Refuses to log in a name that no user has, before the person types a password for it. Where that cannot be told
 * the login itself will tell.
 *
 * @throws {CamelliaError} `unknown_user`.
 */
export async function requireKnown(
  { io, signal }: Context,
  api: PeerCalls,
  username: string,
): Promise<void> {
  if ((await api.users()).includes(username)) return;
  const isFree = api.checkName(username, signal).then(() => true, (error) => {
    signal.throwIfAborted();
    if (error instanceof CamelliaError) return false;
    throw error;
  });
  if (!await withSpinner(io, `Looking for ${username}`, isFree)) return;
  throw new CamelliaError(
    "unknown_user",
    `Cannot log in ${username}: no user on the network has that name. Check the spelling`,
  );
}

/** The password of an account to be; a person whose two entries differ is told so, and asked again. */
export async function newPassword(context: Context, username: string): Promise<string> {
  while (true) {
    try {
      return await passwordFor(context, { username, kind: "new" });
    } catch (error) {
      await sayAndAskAgain(context, error, "no_password");
    }
  }
}

/**
 * Creates an account and logs in. A person whose password is too easy to guess is told so, and asked for another.
 *
 * @param account With the first password, where there is one already.
 */
export async function registerByPassword(
  context: Context,
  api: PeerCalls,
  account: Omit<Registration, "password"> & { readonly password?: string | undefined },
): Promise<{ readonly user: UserView; readonly password: string }> {
  let { password } = account;
  while (true) {
    password ??= await newPassword(context, account.username);
    try {
      return { user: await register(context, api, { ...account, password }), password };
    } catch (error) {
      await sayAndAskAgain(context, error, "weak_password");
      password = undefined;
    }
  }
}

/** Says what is wrong with what a person has typed; throws all else, and where no person is asked. */
async function sayAndAskAgain(context: Context, error: unknown, code: ErrorCode): Promise<void> {
  const isTheirs = error instanceof CamelliaError && error.code === code && asksForNew(context);
  if (!isTheirs) throw error;
  await context.output.failure(error);
}

/** Creates an account and logs in, and says so while it takes its time. */
export function register(
  { io, signal }: Context,
  api: PeerCalls,
  account: Registration,
): Promise<UserView> {
  const work = api.register(account, signal);
  return withSpinner(io, `Registering ${account.username}`, work);
}

/** Seals the keys under a new password and logs in, with recovery words in place of the old one. */
export function recover(
  { io, signal }: Context,
  api: PeerCalls,
  recovery: Recovery,
): Promise<UserView> {
  const work = api.recover(recovery, signal);
  return withSpinner(io, `Recovering ${recovery.username}`, work);
}

/** Closes the account, and says so while it takes its time. */
export function closeAccount(
  { io, signal }: Context,
  api: PeerCalls,
  username: string,
): Promise<UserView> {
  return withSpinner(io, `Closing ${username}`, api.closeAccount({ username }, signal));
}

/** Asks for the old and the new password of the user who is logged in, and changes it. */
export async function changePassword(
  context: Context,
  api: PeerCalls,
  { username, newPasswordFile }: { username: string; newPasswordFile?: string | undefined },
): Promise<void> {
  const old = await passwordFor(context, { username, kind: "login" });
  if (asksForChanged(context, newPasswordFile)) {
    // Before the person thinks of a new one.
    await withSpinner(context.io, "Checking the password", api.checkPassword(old));
  }
  const changed = await passwordFor(context, { username, kind: "changed" }, newPasswordFile);
  const work = api.changePassword({ old, new: changed }, context.signal);
  await withSpinner(context.io, "Changing the password", work);
}

/** Makes the call, with the spinner while it takes long. */
export function perform<Request, Result>(
  { io, signal }: Context,
  api: PeerCalls,
  task: Task<Request, Result>,
  request: Request,
): Promise<Result> {
  return withSpinner(io, task.doing(request), task.call(api, request, signal));
}

/** Does a task as a command: with the running peer or one of its own, the result on standard output. */
export async function runTask<Request, Result>(
  context: Context,
  need: Need,
  task: Task<Request, Result>,
  request: Request,
): Promise<void> {
  await runTasks(context, task, [request], need);
}

/** Does a task for one after another of several requests, a line of output each; stops at the first that fails. */
export async function runTasks<Request, Result>(
  context: Context,
  task: Task<Request, Result>,
  requests: readonly Request[],
  need: Need = "user",
): Promise<void> {
  await withPeer(context, need, async ({ api }) => {
    for (const request of requests) {
      const result = await perform(context, api, task, request);
      await context.output.line(task.json?.(result) ?? result, (look) => task.text(result, look));
    }
  });
}
