/**
 * A peer of a command's own, for as long as the command takes: starting it, joining, logging in, stopping.
 *
 * `access.ts` loads it where no peer runs on the data folder: a command that only talks to a running peer does
 * without it.
 *
 * @module
 */

import type { Credentials, Entry, PeerApi, PeerCalls, UserView } from "../../core/api.ts";
import { given } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import type { Hindrance } from "../../core/model/hindrance.ts";
import { formatHostPorts } from "../../lib/host_port.ts";
import { within } from "../../lib/waiting.ts";
import { hindranceText } from "../views/status_words.ts";
import { canHavePassword, passwordFor } from "../prompts/password_source.ts";
import type { Log } from "../settings/flags.ts";
import { type PeerSettings, resolveSettings } from "../settings/settings.ts";
import { withSpinner } from "../terminal/spinner.ts";
import { type Access, chooseUser, expectedLogin, type Need, withFolder } from "./access.ts";
import type { Context, ExpectedLogin, OpenFolder, RunningPeer } from "./host.ts";

/** A bootstrap node that runs answers within a second or two; after this time a command works without. */
const joinWaitMs = 5000;

/** A peer of this process. */
export function ownAccess(api: PeerApi): Access {
  return {
    api,
    own: true,
    ended: new Promise(() => {}),
    subscribe: (listener) => Promise.resolve(api.subscribe(listener)),
  };
}

/** What to say where a command did its work without the network, which its user did not ask for. */
function aloneMessage(settings: PeerSettings): string {
  const nodes = formatHostPorts(settings.bootstrap);
  const why = nodes === ""
    ? "no node of it is known. Name one with --bootstrap HOST:PORT or in config.ini"
    : `no node answers at ${nodes}`;
  return `This was done without the network: ${why}. Others learn of changes once a peer on this data ` +
    "folder is in the network again.";
}

/** What to say of a peer that is not in the network. */
export function notJoinedMessage(settings: PeerSettings, hindrance?: Hindrance): string {
  if (hindrance === "no_network" || hindrance === "no_udp") {
    return `${hindranceText(hindrance)}; trying on`;
  }
  const nodes = formatHostPorts(settings.bootstrap);
  return nodes === ""
    ? "No node of the network answers. Name one with --bootstrap HOST:PORT or in config.ini, or start a " +
      "new network with --init"
    : `No node answers at ${nodes}; trying on`;
}

/** Waits for the peer's first attempt to join, {@linkcode joinWaitMs} at most; whether it has joined. */
export async function joinNetwork({ io, signal }: Context, peer: RunningPeer): Promise<boolean> {
  const attempt = within({ clock: io, ms: joinWaitMs }, () => peer.firstAttempt, signal);
  await withSpinner(io, "Joining the network", attempt);
  return (await peer.api.status()).node.joined;
}

/** Logs in, and says so while it takes its time. */
export async function logIn(
  { io, signal }: Context,
  api: PeerCalls,
  credentials: Entry,
): Promise<UserView> {
  const work = api.login(credentials, signal);
  return await withSpinner(io, `Logging in ${credentials.username}`, work);
}

/** Starts the folder's peer for as long as the work takes. Everything acknowledged is on disk then. */
export async function withStartedPeer<T>(
  context: Context,
  { folder, settings, log, opens = false, stays = false }: {
    folder: OpenFolder;
    settings: PeerSettings;
    log: Log;
    opens?: boolean;
    stays?: boolean;
  },
  work: (peer: RunningPeer) => Promise<T>,
): Promise<T> {
  const { io, signal } = context;
  signal.throwIfAborted();
  const reread = () => resolveSettings(context);
  const peer = await folder.start(settings, log, { opens, stays, reread });
  try {
    return await work(peer);
  } finally {
    // Stopping hands over what is still to be pushed, for five seconds at most (design, section 9).
    await withSpinner(io, "Handing over and leaving the network", peer.stop());
  }
}

/** Who is to be logged in to an own peer, and the password, asked for before anything takes time. */
export async function credentialsFor(
  context: Context,
  folder: OpenFolder,
  need: Need,
): Promise<Credentials | undefined> {
  if (need === "none") return undefined;
  const hasAccounts = (await folder.accounts()).length > 0;
  if (need === "any" && !(hasAccounts && canHavePassword(context))) return undefined;
  const username = await chooseUser(context, folder);
  return { username, password: await passwordFor(context, { username, kind: "login" }) };
}

/**
 * Does the work with a peer of the folder that is started for it, logged in, and once it has joined the
 * network if the work does not wait for that itself.
 */
export async function withOwnPeer<T>(
  context: Context,
  { folder, need, waits = true }: { folder: OpenFolder; need: Need; waits?: boolean },
  work: (access: Access) => Promise<T>,
): Promise<T> {
  const { output } = context;
  const settings = await resolveSettings(context);
  const credentials = await credentialsFor(context, folder, need);
  return await withStartedPeer(context, { folder, settings, log: output.log }, async (peer) => {
    // A login waits for the network itself, and unseals the keys meanwhile.
    if (credentials !== undefined) await logIn(context, peer.api, credentials);
    else if (waits) await joinNetwork(context, peer);
    const result = await work(ownAccess(peer.api));
    const isAlone = !settings.firstNode && !(await peer.api.status()).node.joined;
    if (need === "user" && isAlone) await output.note(aloneMessage(settings));
    return result;
  });
}

/** What {@linkcode withPeerForLogin} asks. */
export interface LoginQuestions {
  /** Who is to log in or to register; absent where the command begins with something else. */
  readonly login?: Omit<ExpectedLogin, "password">;
  /** Asks for the password. */
  readonly ask: () => Promise<string>;
  /** Refuses what can be refused without it; absent: nothing can. */
  readonly check?: (access: Access) => Promise<void>;
}

/**
 * As {@linkcode withPeer}, for commands that log in with a password. It is asked for before a peer of
 * the command's own starts, and not at all where a user is logged in already. Where a person is there to
 * be asked and something can be refused without the password, that is checked first.
 */
export function withPeerForLogin<T>(
  context: Context,
  { login, ask, check }: LoginQuestions,
  work: (access: Access, password: string) => Promise<T>,
): Promise<T> {
  return withFolder(context, "none", {
    ...given({ expected: login && (() => expectedLogin(context, login)) }),
    async running(peer) {
      const { user } = await peer.api.status();
      if (user === null) {
        await check?.(peer);
        return await work(peer, await ask());
      }
      throw new CamelliaError(
        "already_logged_in",
        `Cannot log in: ${user.username} is logged in to the peer that runs on this data folder. ` +
          "Log out first, or choose another folder with --data",
      );
    },
    async own(folder) {
      if (check === undefined || !context.io.terminal.input) {
        const password = await ask();
        const how = { folder, need: "none", waits: false } as const;
        return await withOwnPeer(context, how, (access) => work(access, password));
      }
      return await withOwnPeer(context, { folder, need: "none" }, async (access) => {
        await check(access);
        return await work(access, await ask());
      });
    },
  });
}
