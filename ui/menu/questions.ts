/**
 * What the entries of the menu share: what they work with, and how they ask and tell.
 *
 * @module
 */

import type { PeerCalls, UserView } from "../../core/api.ts";
import { parseUsername } from "../../core/model/username.ts";
import { perform, type Task } from "../commands/tasks.ts";
import { failureOf, messageOf } from "../output/failure.ts";
import type { LiveFeed } from "../output/live_feed.ts";
import { renderUser } from "../output/render.ts";
import type { Context } from "../peer/host.ts";
import type { PeerSettings } from "../settings/settings.ts";
import { safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";

/** What the entries share. */
export interface MenuContext extends Context {
  /** The peer. */
  readonly api: PeerCalls;
  /** What arrives. */
  readonly feed: LiveFeed;
  /** How the peer is set up; undefined where it runs in another process. */
  readonly settings: PeerSettings | undefined;
  /** Prints something above the menu, to stay. */
  say(text: string): Promise<void>;
}

/** The entries of a menu: what each says and does. */
export type MenuActions = readonly (readonly [label: string, run: () => Promise<unknown>])[];

/** A message that follows a mark of two columns, in lines that fit the terminal. */
function fitted(menu: Context, message: string): string {
  return wrapText(message, menu.io.size().columns - 3).join("\n  ");
}

/** Says why something was refused. */
export async function sayFailure(menu: MenuContext, error: unknown): Promise<void> {
  const { message } = failureOf(error, menu.flags.logLevel);
  await menu.say(`${menu.output.look().paint.error("✗")} ${fitted(menu, safeText(message))}`);
}

/** Does a task and says its result. */
export async function tell<Request, Result>(
  menu: MenuContext,
  task: Task<Request, Result>,
  request: Request,
): Promise<Result> {
  const result = await perform(menu, menu.api, task, request);
  await menu.say(task.text(result, menu.output.look()));
  return result;
}

/** Says that a user is registered or logged in. */
export async function greet(menu: MenuContext, what: string, user: UserView): Promise<void> {
  const look = menu.output.look();
  await menu.say(`${look.paint.good("✓")} ${what}: ${renderUser(user, look)}`);
}

/** What {@linkcode askUntilRead} asks for. */
export interface Wanted<T> {
  /** The question. */
  readonly message: string;
  /** What an empty answer stands for; by default `back`. */
  readonly empty?: string;
  /** Reads an answer; throws what is wrong with it. */
  readonly read: (typed: string) => T;
}

/** Asks until the answer can be read; undefined when left empty. */
export async function askUntilRead<T>(
  context: Context,
  { message, empty = "back", read }: Wanted<T>,
): Promise<T | undefined> {
  const isEmpty = (typed: string) => typed.trim() === "";
  const problem = (typed: string) => {
    if (isEmpty(typed)) return undefined;
    try {
      read(typed);
      return undefined;
    } catch (error) {
      return fitted(context, messageOf(error));
    }
  };
  const question = { message: `${message} (empty: ${empty})`, problem };
  const typed = await context.prompts.text(question, context.signal);
  return isEmpty(typed) ? undefined : read(typed);
}

/** Asks for a username; undefined when left empty. */
export function askName(
  menu: MenuContext,
  message: string,
  empty = "back",
): Promise<string | undefined> {
  return askUntilRead(menu, { message, empty, read: parseUsername });
}

/** Asks for one of several answers; undefined for back. */
export async function chooseOne(
  menu: MenuContext,
  message: string,
  answers: readonly { readonly value: string; readonly name: string }[],
): Promise<string | undefined> {
  const choices = [{ value: "", name: "Back" }, ...answers];
  const chosen = await menu.prompts.choice({ message, choices }, menu.signal);
  return chosen === "" ? undefined : chosen;
}
