/**
 * The entries of the menu on invites: giving one away, and using one.
 *
 * @module
 */

import { fittingCode, makeInvite } from "../commands/invite_commands.ts";
import { acceptBy, enterBy, refuseOwn, renderJoined, takeInvite } from "../commands/joining.ts";
import { renderInvite } from "../output/invite_text.ts";
import type { Context } from "../peer/host.ts";
import { askUntilRead, chooseOne, type MenuContext } from "./questions.ts";

/** Makes an invite and shows it, with a QR code where the terminal has room. */
export async function inviteFriend(menu: MenuContext): Promise<void> {
  const use = await chooseOne(menu, "For whom is the invite?", [
    { value: "once", name: "One friend, whom I follow back" },
    { value: "many", name: "Any number of friends" },
  ]);
  if (use === undefined) return;
  const view = await makeInvite(menu, menu.api, use === "once" ? { once: true } : {});
  const code = await fittingCode(menu, view.invite);
  const text = renderInvite(view, menu.output.look());
  await menu.say(`\n${text}\n${code === undefined ? "" : `\n${code}\n`}`);
}

/** Asks for an invite until it is one; undefined when left empty. */
export async function askInvite(context: Context, empty = "back"): Promise<string | undefined> {
  const read = (typed: string) => takeInvite(typed, context);
  const invite = await askUntilRead(context, { message: "The invite, camellia:…", empty, read });
  return invite?.text.trim();
}

/** How a person gets into an account. */
export interface AccountWays {
  /** Creates one; it may be given up. */
  register(): Promise<void>;
  /** Logs in; it may be given up. */
  enter(): Promise<void>;
}

/** Joins the network of an invite, gets the person into an account, and follows the inviter. */
export async function joinByInvite(
  menu: MenuContext,
  ways: AccountWays,
  given?: string,
): Promise<void> {
  const text = given ?? await askInvite(menu);
  if (text === undefined) return;
  const invite = takeInvite(text, menu);
  await enterBy(menu, menu.api, invite);
  const way = await chooseOne(menu, "You are in the network. Who are you?", [
    { value: "register", name: "I am new: register" },
    { value: "enter", name: "I have an account: log in" },
  ]);
  if (way === undefined) return;
  await (way === "enter" ? ways.enter() : ways.register());
  const { user } = await menu.api.status();
  if (user === null) return;
  refuseOwn(invite, user);
  const view = await acceptBy(menu, menu.api, invite);
  const { username: author } = invite.inviter;
  const posts = (await menu.api.timeline({ limit: 1000, author })).posts.length;
  await menu.say(renderJoined(invite, { view, posts }));
}
