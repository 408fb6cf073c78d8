/**
 * `camellia` without a command: the menu.
 *
 * @module
 */

import type { PeerEvent, StatusView, UserView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { Coalesced } from "../../lib/coalesced.ts";
import { isInterruption } from "../output/failure.ts";
import { LiveFeed } from "../output/live_feed.ts";
import { isRepeated } from "../output/render_notifications.ts";
import { StateNews } from "../output/state_news.ts";
import { unreadText } from "../views/status_words.ts";
import type { Look } from "../output/look.ts";
import { type Access, withFolder } from "../peer/access.ts";
import type { Left } from "../screen/screen.ts";
import {
  credentialsFor,
  joinNetwork,
  logIn,
  notJoinedMessage,
  ownAccess,
  withStartedPeer,
} from "../peer/own_peer.ts";
import { makeCommandDoor } from "../peer/command_door.ts";
import type { Context, OpenFolder } from "../peer/host.ts";
import { refreshed } from "../prompts/live_prompt.ts";
import type { Log } from "../settings/flags.ts";
import { resolveSettings } from "../settings/settings.ts";
import { safeText } from "../terminal/safe_text.ts";
import { startActions, useInvite, userActions } from "./actions.ts";
import { type MenuActions, type MenuContext, sayFailure } from "./questions.ts";
import { askForNetwork } from "./first_run.ts";
import { afterEntry, hasScreen, inTerminal, type Opens, openScreen } from "./full_screen.ts";

/**
 * Runs the menu until it is left. Ctrl+C leaves it from every question, with the terminal as it was,
 * and is no failure.
 *
 * @throws {CamelliaError} `not_a_terminal`, and what keeps a peer from starting.
 */
export async function runMenu(context: Context): Promise<void> {
  await inTerminal(context, () =>
    withFolder(context, "none", {
      running: (access) => attachMenu(context, access, "menu"),
      own: (folder) => runOwnPeer(context, folder, "menu"),
    }));
}

/** The menu of a peer that runs elsewhere; `left`: why the screen was left that was shown before. */
export async function attachMenu(
  context: Context,
  access: Access,
  opens: Opens,
  left?: Left,
): Promise<void> {
  const feed = new LiveFeed();
  await menuLoop(context, { access, feed, settings: undefined, opens, left });
}

/** Starts the folder's peer, with a loopback port for commands in other terminals, and the menu on it. */
export async function runOwnPeer(
  context: Context,
  folder: OpenFolder,
  opens: Opens,
): Promise<void> {
  const feed = new LiveFeed();
  // Lines on standard error would garble the menu: what matters is shown above it.
  const log: Log = (level, message) => {
    context.output.record(level, message);
    if (level !== "error" && level !== "warn") return;
    if (!context.output.tellScreen(message)) feed.add({ event: "said", text: safeText(message) });
  };
  const choice = await askForNetwork(context, folder, await resolveSettings(context));
  const { settings, invite } = choice;
  const asksAtOnce = opens === "screen" && invite === undefined && hasScreen(context);
  const hasAccount = asksAtOnce && (await folder.accounts()).length > 0;
  // The screen shows nothing without a user: the one of the folder is asked for the password at once.
  const credentials = hasAccount ? await credentialsFor(context, folder, "user") : undefined;
  await withStartedPeer(context, { folder, settings, log, stays: true }, async (peer) => {
    const { api } = peer;
    await using door = await makeCommandDoor(context, { api, folder, log });
    await door.publish();
    if (credentials !== undefined) {
      await logIn(context, api, credentials).catch((error) => {
        if (!(error instanceof CamelliaError)) throw error;
        feed.add({ event: "said", text: error.message });
      });
    } else if (!await joinNetwork(context, peer) && invite === undefined) {
      const { hindrance } = (await api.status()).node;
      feed.add({ event: "said", text: notJoinedMessage(settings, hindrance) });
    }
    await menuLoop(context, { access: ownAccess(api), feed, settings, opens }, invite);
  });
}

const quit = { value: "quit", label: "Quit" };

/** Events that only repeat what the menu shows anyway. */
function isNews(event: PeerEvent, user: UserView | null): boolean {
  if (isRepeated(event, user?.username)) return false;
  if (event.event === "login" || event.event === "clock") return false;
  if (event.event === "reach") return event.state === "unreachable";
  return event.event !== "post" || event.post.author !== user?.username;
}

/** What the title says of a peer that no node answers. */
const aloneTitles = {
  no_network: "no network",
  no_udp: "no UDP gets out, and no node answers by TCP",
  no_node: "no other node yet",
} as const;

/** The line between what arrives and the choices. */
function titleOf(status: StatusView, { paint }: Look): string {
  const { user, node } = status;
  const who = user === null ? "Camellia" : paint.bold(paint.name(user.username));
  const contacts = `${node.contacts} contact${node.contacts === 1 ? "" : "s"}`;
  const way = node.carrier === "tcp" ? paint.warning(" by TCP, as no UDP gets out") : "";
  const where = node.joined
    ? `${contacts}${way}`
    : paint.warning(aloneTitles[node.hindrance ?? "no_node"]);
  const clock = status.clock.source === "ntp" ? "" : paint.dim(" · system clock");
  const reach = status.reach.state === "unreachable" ? paint.warning(" · not reachable") : "";
  const news = unreadText(status.unread);
  const unread = news === "" ? "" : paint.good(` · new: ${news}`);
  return `${who} · ${where}${reach}${clock}${unread}`;
}

async function menuLoop(
  context: Context,
  { access, feed, settings, opens, left: leftBefore }: Pick<MenuContext, "feed" | "settings"> & {
    readonly access: Access;
    readonly opens: Opens;
    readonly left?: Left | undefined;
  },
  invite?: string,
): Promise<void> {
  const { io, output, prompts, signal } = context;
  const { api } = access;
  const say = (text: string) => io.out(`${text}\n`);
  const look = () => output.look();
  const menu: MenuContext = { ...context, api, feed, settings, say };
  let status = await api.status();
  let last: string | undefined;
  let stale = new AbortController();
  let isGone = false;
  let wantsScreen = opens === "screen" && hasScreen(context);
  let hasScreenOpen = false;
  const news = new StateNews();
  let earlier = leftBefore;
  // Once for all that happens while the peer is asked.
  const refreshing = new Coalesced(async () => {
    status = await api.status();
    feed.redraw();
  });
  const stop = await access.subscribe((event) => {
    if (event.event === "logout") feed.clear();
    if (event.event === "login" || event.event === "logout") stale.abort();
    // The screen shows what happens by itself.
    if (hasScreenOpen) return;
    refreshing.run().catch(() => {});
    if (isNews(event, status.user) && news.isNews(event)) feed.add(event);
  });
  void access.ended.then(() => {
    isGone = true;
    stale.abort();
  });
  try {
    if (invite !== undefined) await act(menu, [["", () => useInvite(menu, invite)]], "");
    while (!signal.aborted) {
      stale = new AbortController();
      if (isGone) {
        throw new CamelliaError("no_peer", "The peer that this menu belongs to has stopped");
      }
      status = await api.status();
      const actions = status.user === null
        ? await startActions(menu)
        : userActions(menu, status.user);
      if (wantsScreen && status.user !== null) {
        hasScreenOpen = true;
        const left = earlier ?? await openScreen(context, access, status.user);
        earlier = undefined;
        hasScreenOpen = false;
        if (left.why === "menu") {
          await act(menu, actions, left.entry);
          if (left.entry !== "Log out") await afterEntry(context);
        }
        if (left.why === "quit" && opens === "screen") return;
        wantsScreen = left.why !== "quit";
        continue;
      }
      const choices = [...actions.map(([label]) => ({ value: label, label })), quit];
      const title = (look: Look) => titleOf(status, look);
      const live = { choices, last, title, feed, io, look, stale: stale.signal };
      const chosen = await prompts.menu(live, signal);
      if (chosen === quit.value) return;
      if (chosen === refreshed) continue;
      last = chosen;
      if (chosen === "Timeline" && hasScreen(context)) wantsScreen = true;
      else await act(menu, actions, chosen);
    }
  } finally {
    stop();
  }
}

/** Runs a chosen action. If it is refused, the reason is shown, and the menu comes back. */
async function act(menu: MenuContext, actions: MenuActions, chosen: string): Promise<void> {
  try {
    await actions.find(([label]) => label === chosen)?.[1]();
  } catch (error) {
    if (menu.signal.aborted || isInterruption(error)) throw error;
    await sayFailure(menu, error);
  }
}
