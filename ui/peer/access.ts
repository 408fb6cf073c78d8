/**
 * How a command gets at a peer: the one that runs on the data folder, or else one of its own for as
 * long as the command takes.
 *
 * The lock on the data folder decides which: the process that gets the lock is the folder's peer, and a
 * port file that it finds there was left by a peer that has died.
 *
 * @module
 */

import type { Hindrance } from "../../core/model/hindrance.ts";
import { hindranceText } from "../output/render.ts";
import { join } from "node:path";
import type { Credentials, PeerApi, PeerCalls, PeerEvent, UserView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { parseUsername } from "../../core/model/username.ts";
import { delay, within } from "../../lib/waiting.ts";
import type { Context, OpenFolder, RunningPeer } from "./host.ts";
import { LoopbackClient } from "./loopback_client.ts";
import { parsePortFile, portFileBytesMax, portFileName } from "./loopback_protocol.ts";
import { canHavePassword, passwordFor } from "../prompts/password_source.ts";
import { formatHostPorts } from "../settings/endpoint.ts";
import type { Log } from "../settings/flags.ts";
import { type PeerSettings, resolveSettings } from "../settings/settings.ts";
import { withSpinner } from "../terminal/spinner.ts";

/** How long a command waits for another one that has the folder, or for a peer that is starting. */
const folderWaitMs = 15_000;

const folderRetryMs = 50;

/** A bootstrap node that runs answers within a second or two; after this time a command works without. */
const joinWaitMs = 5000;

/**
 * Who has to be logged in for a command: a `user`; a user if that takes no question (`any`); or it does
 * not matter (`none`).
 */
export type Need = "user" | "any" | "none";

/** A peer within reach. */
export interface Access {
  /** What it does. */
  readonly api: PeerCalls;
  /** Whether it is this command's own, and ends with it. */
  readonly own: boolean;
  /** Calls back for events; resolves to how to stop that, once no event is missed any more. */
  subscribe(listener: (event: PeerEvent) => void): Promise<() => void>;
  /** Resolves when a peer that runs elsewhere has stopped; an own one never does by itself. */
  readonly ended: Promise<void>;
}

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
  credentials: Credentials,
): Promise<UserView> {
  const work = api.login(credentials, signal);
  return await withSpinner(io, `Logging in ${credentials.username}`, work);
}

/** Starts the folder's peer for as long as the work takes. Everything acknowledged is on disk then. */
export async function withStartedPeer<T>(
  { io, signal }: Context,
  { folder, settings, log }: { folder: OpenFolder; settings: PeerSettings; log: Log },
  work: (peer: RunningPeer) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const peer = await folder.start(settings, log);
  try {
    return await work(peer);
  } finally {
    // Stopping hands over what is still to be pushed, for five seconds at most (design, section 9).
    await withSpinner(io, "Handing over and leaving the network", peer.stop());
  }
}

/** What to do, by who has locked the data folder. */
export interface Ways<T> {
  /** This process has. */
  readonly own: (folder: OpenFolder) => Promise<T>;
  /** A peer that runs elsewhere has. Called again if its first request reached no peer. */
  readonly running: (peer: Access) => Promise<T>;
}

/** Works with the locked folder, and unlocks it afterwards. */
export async function inFolder<T>(
  folder: OpenFolder,
  work: (folder: OpenFolder) => Promise<T>,
): Promise<T> {
  try {
    await folder.remove(portFileName);
    return await work(folder);
  } finally {
    await folder.close();
  }
}

/** The user that `--user` names. */
function namedUser({ flags }: Context): string | undefined {
  return flags.user === undefined ? undefined : parseUsername(flags.user);
}

/** The peer that seems to run on the data folder; its first call shows whether it does. To be closed. */
export async function runningPeer(context: Context): Promise<LoopbackClient | undefined> {
  return await clientOf(context, "none").catch(() => undefined);
}

async function clientOf(context: Context, need: Need): Promise<LoopbackClient | undefined> {
  const bytes = await context.io.readFile(join(context.dataFolder, portFileName), portFileBytesMax);
  const port = bytes === undefined ? undefined : parsePortFile(new TextDecoder().decode(bytes));
  if (port === undefined) return undefined;
  return new LoopbackClient(port, need === "user" ? namedUser(context) : undefined);
}

/**
 * Locks the data folder, or finds the peer that has.
 *
 * @throws {CamelliaError} `folder_in_use` if it stays locked and no peer answers; what the work throws.
 */
export async function withFolder<T>(context: Context, need: Need, ways: Ways<T>): Promise<T> {
  const { io, host, dataFolder, output, signal } = context;
  const giveUpAt = io.monotonic() + folderWaitMs;
  while (true) {
    signal.throwIfAborted();
    const folder = await host.openFolder(dataFolder).catch((error) => {
      if (error instanceof CamelliaError && error.code === "folder_in_use") return error;
      throw error;
    });
    if (!(folder instanceof CamelliaError)) {
      await output.detail(`No peer runs on ${dataFolder}: this command does its work itself`);
      return await inFolder(folder, ways.own);
    }
    const client = await clientOf(context, need);
    try {
      if (client !== undefined) {
        await output.detail(`The peer that runs on ${dataFolder} does it (${client.place})`);
        return await ways.running(client);
      }
    } catch (error) {
      const isUnreached = client?.isUntouched && error instanceof CamelliaError &&
        ["no_peer", "unauthorized"].includes(error.code);
      if (!isUnreached) throw error;
    } finally {
      client?.close();
    }
    if (io.monotonic() >= giveUpAt) throw folder;
    await delay(io, folderRetryMs, signal);
  }
}

/**
 * The user to log in: `--user`, else the one who logged in last here.
 *
 * @throws {CamelliaError} `not_logged_in` where there is no account, `invalid_username`.
 */
export async function chooseUser(context: Context, folder: OpenFolder): Promise<string> {
  const username = namedUser(context) ?? (await folder.accounts())[0]?.username;
  if (username !== undefined) return username;
  throw new CamelliaError(
    "not_logged_in",
    `Cannot do that: there is no account in the folder ${folder.path} yet. ` +
      "First run `camellia register NAME`, or `camellia login NAME`",
  );
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

async function withOwnPeer<T>(
  context: Context,
  { folder, need }: { folder: OpenFolder; need: Need },
  work: (access: Access) => Promise<T>,
): Promise<T> {
  const { output } = context;
  const settings = await resolveSettings(context);
  const credentials = await credentialsFor(context, folder, need);
  return await withStartedPeer(context, { folder, settings, log: output.log }, async (peer) => {
    await joinNetwork(context, peer);
    if (credentials !== undefined) await logIn(context, peer.api, credentials);
    const result = await work(ownAccess(peer.api));
    const isAlone = !settings.firstNode && !(await peer.api.status()).node.joined;
    if (need === "user" && isAlone) await output.note(aloneMessage(settings));
    return result;
  });
}

/** Does a command's work with the peer that runs on the data folder, or with one started for it. */
export function withPeer<T>(
  context: Context,
  need: Need,
  work: (access: Access) => Promise<T>,
): Promise<T> {
  return withFolder(context, need, {
    running: work,
    own: (folder) => withOwnPeer(context, { folder, need }, work),
  });
}

/**
 * As {@linkcode withPeer}, for commands that log in with a password. It is asked for before a peer of
 * the command's own starts, and not at all where a user is logged in already. Where a person is there to
 * be asked and something can be refused without the password, that is checked first.
 */
export function withPeerForLogin<T>(
  context: Context,
  ask: () => Promise<string>,
  work: (access: Access, password: string) => Promise<T>,
  check?: (access: Access) => Promise<void>,
): Promise<T> {
  return withFolder(context, "none", {
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
      const early = check === undefined || !context.io.terminal.input ? await ask() : undefined;
      return await withOwnPeer(context, { folder, need: "none" }, async (access) => {
        await check?.(access);
        return await work(access, early ?? await ask());
      });
    },
  });
}
