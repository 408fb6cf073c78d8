/**
 * How a command gets at a peer: the one that runs on the data folder, or else one of its own for as
 * long as the command takes.
 *
 * The lock on the data folder decides which: whoever gets it is the folder's peer, and a port file that
 * lies there is a dead one's.
 *
 * @module
 */

import { join } from "node:path";
import type { PeerApi, PeerEvent, UserView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { parseUsername } from "../../core/model/username.ts";
import type { Context } from "./context.ts";
import type { OpenFolder } from "./host.ts";
import type { PeerSettings } from "../settings/settings.ts";
import { sleep } from "../terminal/io.ts";
import { aloneMessage, waitUntilJoined } from "./network_wait.ts";
import { LoopbackClient } from "./loopback_client.ts";
import { parsePortFile, portFileBytesMax, portFileName } from "./loopback_protocol.ts";
import { canHavePassword, passwordFor } from "../prompts/password_source.ts";
import { resolveSettings } from "../settings/settings.ts";
import { withSpinner } from "../terminal/spinner.ts";

/** How long a command waits for another one that has the folder, or for a peer that is starting. */
const folderWaitMs = 15_000;

const folderRetryMs = 50;

/**
 * Whom a command needs logged in: a `user`; `anybody`, as long as it takes no effort; or that it does
 * not matter (`nobody`).
 */
export type Need = "user" | "nobody" | "anybody";

/** A peer within reach. */
export interface Access {
  /** The peer. */
  readonly api: PeerApi;
  /** Whether it is this command's own, and ends with it. */
  readonly own: boolean;
  /** Resolves once nothing is missed any more; call what it resolves to in order to stop. */
  subscribe(listener: (event: PeerEvent) => void): Promise<() => void>;
  /** Resolves when a peer that runs elsewhere has stopped; an own one never does by itself. */
  readonly ended: Promise<void>;
}

/** The locked folder, or a client of the peer that has locked it. */
export type Entry =
  | { readonly kind: "folder"; readonly folder: OpenFolder }
  | { readonly kind: "running"; readonly client: LoopbackClient };

async function runningPeer(context: Context): Promise<LoopbackClient | undefined> {
  const bytes = await context.io.readFile(join(context.dataFolder, portFileName), portFileBytesMax);
  const port = bytes === undefined ? undefined : parsePortFile(new TextDecoder().decode(bytes));
  if (port === undefined) return undefined;
  const client = new LoopbackClient(port);
  try {
    await client.api.status();
    return client;
  } catch (error) {
    // Nobody listens there, or somebody who never heard of the token: not our peer, or not any more.
    if (error instanceof CamelliaError && ["no_peer", "unauthorized"].includes(error.code)) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Locks the data folder, or finds the peer that has.
 *
 * @throws {CamelliaError} `folder_in_use` if it stays locked by somebody who does not answer.
 */
export async function enter(context: Context): Promise<Entry> {
  const { io, host, dataFolder, signal } = context;
  const giveUpAt = io.now() + folderWaitMs;
  while (true) {
    signal.throwIfAborted();
    try {
      const folder = await host.openFolder(dataFolder);
      await folder.remove(portFileName);
      return { kind: "folder", folder };
    } catch (error) {
      if (!(error instanceof CamelliaError) || error.code !== "folder_in_use") throw error;
      const client = await runningPeer(context);
      if (client !== undefined) return { kind: "running", client };
      if (io.now() >= giveUpAt) throw error;
    }
    await sleep(io, folderRetryMs, signal);
  }
}

/**
 * Whom to log in: `--user`, else who logged in last here.
 *
 * @throws {CamelliaError} `not_logged_in` where there is nobody, `invalid_username`.
 */
export async function chooseUser(context: Context, folder: OpenFolder): Promise<string> {
  if (context.flags.user !== undefined) return parseUsername(context.flags.user);
  const last = (await folder.accounts())[0];
  if (last !== undefined) return last.username;
  throw new CamelliaError(
    "not_logged_in",
    `Cannot do that: nobody has an account in the folder ${folder.path} yet. ` +
      "First run `camellia register NAME`, or `camellia login NAME`",
  );
}

/**
 * Who is logged in to the running peer.
 *
 * @throws {CamelliaError} `not_logged_in`; `already_logged_in` if it is not the one that `--user` names.
 */
export async function runningUser(context: Context, api: PeerApi): Promise<UserView> {
  const user = await api.whoami();
  const { username } = user;
  if (context.flags.user === undefined) return user;
  const wanted = parseUsername(context.flags.user);
  if (wanted === username) return user;
  throw new CamelliaError(
    "already_logged_in",
    `Cannot act as ${wanted}: ${username} is logged in to the peer that runs on this data folder. ` +
      "Log out first, or give each user a folder with --data",
  );
}

/** Says so before a password is asked for that would be of no use. */
async function refuseLoggedIn(api: PeerApi): Promise<void> {
  const { user } = await api.status();
  if (user === null) return;
  throw new CamelliaError(
    "already_logged_in",
    `Cannot log in: ${user.username} is logged in to the peer that runs on this data folder. ` +
      "Log out first, or choose another folder with --data",
  );
}

/** A peer that runs elsewhere. */
export function clientAccess(client: LoopbackClient): Access {
  return {
    api: client.api,
    own: false,
    ended: client.ended,
    async subscribe(listener) {
      const stop = client.api.subscribe(listener);
      await client.subscribed();
      return stop;
    },
  };
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

interface LogIn {
  readonly username: string;
  readonly password: string;
}

/** Who is to be logged in to an own peer, and the password, asked for before anything takes time. */
async function prepareLogin(
  context: Context,
  folder: OpenFolder,
  need: Need,
): Promise<LogIn | undefined> {
  if (need === "nobody") return undefined;
  if (need === "anybody") {
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
  const { io, output, signal } = context;
  const settings: PeerSettings = await resolveSettings(context);
  const login = await prepareLogin(context, folder, need);
  signal.throwIfAborted();
  const peer = await folder.start(settings, output.log);
  try {
    await withSpinner(io, "Joining the network", async () => {
      await waitUntilJoined(context, peer);
      if (login !== undefined) await peer.api.login(login, signal);
    });
    const result = await work(ownAccess(peer.api));
    const isAlone = !settings.firstNode && !(await peer.api.status()).node.joined;
    if (need === "user" && isAlone) await output.note(aloneMessage(settings));
    return result;
  } finally {
    // Stopping hands over what is still to be pushed, for five seconds at most (design, section 9).
    await withSpinner(io, "Handing over and leaving the network", peer.stop());
  }
}

async function withRunningPeer<T>(
  context: Context,
  { client, need }: { client: LoopbackClient; need: Need },
  work: (access: Access) => Promise<T>,
): Promise<T> {
  try {
    if (need === "user") await runningUser(context, client.api);
    return await work(clientAccess(client));
  } finally {
    client.close();
  }
}

/** Does a command's work with the peer that runs on the data folder, or with one started for it. */
export async function withPeer<T>(
  context: Context,
  need: Need,
  work: (access: Access) => Promise<T>,
): Promise<T> {
  const entry = await enter(context);
  if (entry.kind === "running") {
    return await withRunningPeer(context, { client: entry.client, need }, work);
  }
  try {
    return await withOwnPeer(context, { folder: entry.folder, need }, work);
  } finally {
    await entry.folder.close();
  }
}

/**
 * As {@linkcode withPeer}, for commands that log in with a password. It is asked for before a peer of
 * the command's own starts, and not at all where somebody is logged in already.
 */
export async function withPeerForLogin<T>(
  context: Context,
  ask: () => Promise<string>,
  work: (access: Access, password: string) => Promise<T>,
): Promise<T> {
  const entry = await enter(context);
  if (entry.kind === "running") {
    const { client } = entry;
    return await withRunningPeer(context, { client, need: "nobody" }, async (access) => {
      await refuseLoggedIn(client.api);
      return await work(access, await ask());
    });
  }
  const { folder } = entry;
  try {
    const password = await ask();
    return await withOwnPeer(
      context,
      { folder, need: "nobody" },
      (access) => work(access, password),
    );
  } finally {
    await folder.close();
  }
}
