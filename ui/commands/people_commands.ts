/**
 * The commands on people: followers, and what the user does not want to see.
 *
 * @module
 */

import type { AboutPart } from "../../core/model/about.ts";
import type { MuteRequest } from "../../core/api.ts";
import type { Context } from "../peer/host.ts";
import {
  blocking,
  describing,
  muting,
  removingFollower,
  runTask,
  showingBlocks,
  showingMutes,
  showingPeople,
  unblocking,
  unmuting,
} from "./tasks.ts";

/** The name of a user. */
export interface Named {
  /** As typed. */
  readonly username: string;
}

/** `followers`. */
export async function followers(context: Context): Promise<void> {
  await runTask(context, "user", showingPeople("followers"), undefined);
}

/** `followers remove`. */
export async function removeFollower(context: Context, { username }: Named): Promise<void> {
  await runTask(context, "user", removingFollower, { username });
}

/** `following`. */
export async function following(context: Context): Promise<void> {
  await runTask(context, "user", showingPeople("following"), undefined);
}

/** `about`. */
export async function about(
  context: Context,
  parts: Readonly<Partial<Record<AboutPart, string>>>,
): Promise<void> {
  await runTask(context, "user", describing, parts);
}

/** `mute`. */
export async function mute(context: Context, request: MuteRequest): Promise<void> {
  await runTask(context, "user", muting, request);
}

/** `unmute`. */
export async function unmute(context: Context, request: MuteRequest): Promise<void> {
  await runTask(context, "user", unmuting, request);
}

/** `mutes`. */
export async function mutes(context: Context): Promise<void> {
  await runTask(context, "user", showingMutes, undefined);
}

/** `block`. */
export async function block(context: Context, { username }: Named): Promise<void> {
  await runTask(context, "user", blocking, { username });
}

/** `unblock`. */
export async function unblock(context: Context, { username }: Named): Promise<void> {
  await runTask(context, "user", unblocking, { username });
}

/** `blocks`. */
export async function blocks(context: Context): Promise<void> {
  await runTask(context, "user", showingBlocks, undefined);
}
