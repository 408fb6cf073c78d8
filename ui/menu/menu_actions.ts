/**
 * What the entries of the menu do.
 *
 * @module
 */

import type { UserView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { parseUsername } from "../../core/model/username.ts";
import { type MenuContext, sayFailure } from "./menu_context.ts";
import { askName, nameProblem, postProblem } from "./menu_questions.ts";
import { browseTimeline } from "./menu_timeline.ts";
import { showSettings } from "./menu_settings.ts";
import type { MenuChoice } from "../prompts/menu_view.ts";
import { passwordFor } from "../prompts/password_source.ts";
import {
  renderFollow,
  renderPost,
  renderProfile,
  renderStatus,
  renderSuggestions,
  renderUser,
} from "../output/render.ts";
import { withSpinner } from "../terminal/spinner.ts";

/** A menu: its entries, and what they do. */
export interface MenuActions {
  /** The entries. */
  readonly choices: readonly MenuChoice[];
  /** Does what an entry stands for. */
  run(value: string): Promise<void>;
}

type Actions = readonly (readonly [label: string, run: () => Promise<void>])[];

const quit: MenuChoice = { value: "quit", label: "Quit" };

function menuOf(actions: Actions): MenuActions {
  return {
    choices: [...actions.map(([label]) => ({ value: label, label })), quit],
    run: async (value) => await actions.find(([label]) => label === value)?.[1](),
  };
}

/** Codes after which another try with other answers makes sense. */
const askAgain: ReadonlySet<string> = new Set([
  "name_taken",
  "weak_password",
  "wrong_password",
  "no_password",
]);

/** Registers, asking again for whatever was wrong. */
async function register(menu: MenuContext): Promise<void> {
  const { api, io, signal, output } = menu;
  // Loads while the name is typed. Should it fail, so will the registration, which says why.
  api.prepare().catch(() => {});
  let username = await askName(menu, "Username");
  while (username !== undefined) {
    try {
      const check = api.checkName(username, signal);
      await withSpinner(io, `Asking whether ${username} is free`, check);
      const password = await passwordFor(menu, { username, kind: "new" });
      const work = api.register({ username, password }, signal);
      const user = await withSpinner(io, `Registering ${username}`, work);
      const look = output.look();
      return await menu.say(`${look.paint.good("✓")} Registered: ${renderUser(user, look)}`);
    } catch (error) {
      if (!(error instanceof CamelliaError) || !askAgain.has(error.code)) throw error;
      await sayFailure(menu, error);
      if (error.code === "name_taken") username = await askName(menu, "Another username");
    }
  }
}

async function logIn(menu: MenuContext, known: string | undefined): Promise<void> {
  const { api, io, signal, output } = menu;
  const username = known ?? await askName(menu, "Username");
  if (username === undefined) return;
  const password = await passwordFor(menu, { username, kind: "login" });
  const work = api.login({ username, password }, signal);
  const user = await withSpinner(io, `Logging in ${username}`, work);
  const look = output.look();
  await menu.say(`${look.paint.good("✓")} Logged in: ${renderUser(user, look)}`);
}

async function showNetwork(menu: MenuContext): Promise<void> {
  await menu.say(renderStatus(await menu.api.status(), menu.output.look()));
}

/** The menu while nobody is logged in. */
export async function startActions(menu: MenuContext): Promise<MenuActions> {
  // A person has a handful of accounts; a screen holds no more.
  const known = (await menu.api.users()).slice(0, 5);
  const registering = ["Register", () => register(menu)] as const;
  const network = ["Network", () => showNetwork(menu)] as const;
  const loggingIn = (label: string) => [label, () => logIn(menu, undefined)] as const;
  // Whoever is here for the first time most likely has no account anywhere.
  if (known.length === 0) return menuOf([registering, loggingIn("Log in"), network]);
  return menuOf([
    ...known.map((name) => [`Log in as ${name}`, () => logIn(menu, name)] as const),
    loggingIn("Log in as somebody else"),
    registering,
    network,
  ]);
}

async function writePost(menu: MenuContext): Promise<void> {
  const question = { message: "New post (empty: back)", problem: postProblem };
  const text = await menu.prompts.text(question, menu.signal);
  if (text === "") return;
  const post = await menu.api.post({ text });
  await menu.say(renderPost(post, menu.output.look()));
}

async function follow(menu: MenuContext): Promise<void> {
  const username = await askName(menu, "Follow whom?");
  if (username === undefined) return;
  const work = menu.api.follow({ username }, menu.signal);
  const view = await withSpinner(menu.io, `Looking for ${username}`, work);
  await menu.say(renderFollow(view, menu.output.look()));
}

/** Asks for one of those whom one follows; undefined for back. */
async function chooseFollowed(menu: MenuContext): Promise<string | undefined> {
  const { following } = await menu.api.profile({}, menu.signal);
  if (following.length === 0) {
    await menu.say("You follow nobody.");
    return undefined;
  }
  const chosen = await menu.prompts.choice({
    message: "Unfollow whom?",
    choices: [
      { value: "", name: "Back" },
      ...following.map((name) => ({ value: name, name })),
    ],
  }, menu.signal);
  return chosen === "" ? undefined : chosen;
}

async function unfollow(menu: MenuContext): Promise<void> {
  const username = await chooseFollowed(menu);
  if (username === undefined) return;
  const work = menu.api.unfollow({ username }, menu.signal);
  const view = await withSpinner(menu.io, `Unfollowing ${username}`, work);
  await menu.say(renderFollow(view, menu.output.look()));
}

async function showProfile(menu: MenuContext): Promise<void> {
  const problem = (given: string) => nameProblem(menu, given);
  const question = { message: "Whose profile? (empty: your own)", problem };
  const text = (await menu.prompts.text(question, menu.signal)).trim();
  const request = text === "" ? {} : { username: parseUsername(text) };
  const work = menu.api.profile(request, menu.signal);
  await menu.say(renderProfile(await withSpinner(menu.io, "Looking", work), menu.output.look()));
}

async function suggest(menu: MenuContext): Promise<void> {
  const work = menu.api.suggest(menu.signal);
  const suggestions = await withSpinner(menu.io, "Asking around", work);
  await menu.say(renderSuggestions(suggestions, menu.output.look()));
  if (suggestions.length === 0) return;
  const username = await menu.prompts.choice({
    message: "Follow one of them?",
    choices: [
      { value: "", name: "Back" },
      ...suggestions.map(({ username }) => ({ value: username, name: username })),
    ],
  }, menu.signal);
  if (username === "") return;
  const work2 = menu.api.follow({ username }, menu.signal);
  const view = await withSpinner(menu.io, `Looking for ${username}`, work2);
  await menu.say(renderFollow(view, menu.output.look()));
}

async function logOut(menu: MenuContext, user: UserView): Promise<void> {
  await withSpinner(menu.io, "Logging out", menu.api.logout(menu.signal));
  // The event of it would say the same once more.
  menu.feed.clear();
  await menu.say(`Logged out: ${user.username}`);
}

/** The menu of whoever is logged in. */
export function userActions(menu: MenuContext, user: UserView): MenuActions {
  return menuOf([
    ["New post", () => writePost(menu)],
    ["Timeline", () => browseTimeline(menu)],
    ["Follow", () => follow(menu)],
    ["Unfollow", () => unfollow(menu)],
    ["Profile", () => showProfile(menu)],
    ["Suggestions", () => suggest(menu)],
    ["Network", () => showNetwork(menu)],
    ["Settings", () => showSettings(menu, user)],
    ["Log out", () => logOut(menu, user)],
  ]);
}
