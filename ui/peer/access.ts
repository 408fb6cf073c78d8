/**
 * How a command gets at a peer: the one that runs on the data folder, or else one of its own for as
 * long as the command takes.
 *
 * The lock on the data folder decides which: the process that gets the lock is the folder's peer, and a
 * port file that it finds there was left by a peer that has died.
 *
 * @module
 */

import { join } from "node:path";
import { delay } from "../../lib/waiting.ts";
import type { PeerApi, PeerCalls, PeerEvent } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { parseUsername } from "../../core/model/username.ts";
import type { Context, OpenFolder } from "./host.ts";
import { LoopbackClient } from "./loopback_client.ts";
import { parsePortFile, portFileBytesMax, portFileName } from "./loopback_protocol.ts";
import { aloneMessage, joinNetwork, logIn, withStartedPeer } from "./own_peer.ts";
import { canHavePassword, passwordFor } from "../prompts/password_source.ts";
import { resolveSettings } from "../settings/settings.ts";

/** How long a command waits for another one that has the folder, or for a peer that is starting. */
const folderWaitMs = 15_000;

const folderRetryMs = 50;

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
  const { io, host, dataFolder, signal } = context;
  const giveUpAt = io.monotonic() + folderWaitMs;
  while (true) {
    signal.throwIfAborted();
    const folder = await host.openFolder(dataFolder).catch((error) => {
      if (error instanceof CamelliaError && error.code === "folder_in_use") return error;
      throw error;
    });
    if (!(folder instanceof CamelliaError)) return await inFolder(folder, ways.own);
    const client = await clientOf(context, need);
    try {
      if (client !== undefined) return await ways.running(client);
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
 * Whom to log in: `--user`, else the user who logged in last here.
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
async function credentialsFor(context: Context, folder: OpenFolder, need: Need) {
  if (need === "none") return undefined;
  if (need === "any") {
    const isPossible = (await folder.accounts()).length > 0 && canHavePassword(context);
    if (!isPossible) return undefined;
  }
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
 * the command's own starts, and not at all where a user is logged in already.
 */
export function withPeerForLogin<T>(
  context: Context,
  ask: () => Promise<string>,
  work: (access: Access, password: string) => Promise<T>,
): Promise<T> {
  return withFolder(context, "none", {
    async running(peer) {
      const { user } = await peer.api.status();
      if (user === null) return await work(peer, await ask());
      throw new CamelliaError(
        "already_logged_in",
        `Cannot log in: ${user.username} is logged in to the peer that runs on this data folder. ` +
          "Log out first, or choose another folder with --data",
      );
    },
    async own(folder) {
      const password = await ask();
      return await withOwnPeer(
        context,
        { folder, need: "none" },
        (access) => work(access, password),
      );
    },
  });
}
