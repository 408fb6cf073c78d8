/**
 * How a command gets at a peer: the one that runs on the data folder, or else one of its own for as
 * long as the command takes.
 *
 * The lock on the data folder decides which: the process that gets the lock is the folder's peer, and a
 * port file that it finds there was left by a peer that has died.
 *
 * @module
 */

import { loadModule } from "../../lib/load_module.ts";
import { joinPath } from "../../lib/paths.ts";
import type { PeerCalls, PeerEvent } from "../../core/api.ts";
import { given } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { parseUsername } from "../../core/model/username.ts";
import { delay } from "../../lib/waiting.ts";
import type { Context, ExpectedLogin, OpenFolder } from "./host.ts";
import { LoopbackClient } from "./loopback_client.ts";
import {
  type PagePlace,
  parsePortFile,
  portFileBytesMax,
  portFileName,
} from "./loopback_protocol.ts";

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

/** A peer that runs elsewhere. */
export interface RunningAccess extends Access {
  /** Has it turn the page on, for as long as this command holds it. */
  holdPage(): Promise<{ readonly place: PagePlace; readonly ended: Promise<void> }>;
  /** Has it turn the page off; whether it was on. */
  stopPage(): Promise<boolean>;
}

/** What to do, by who has locked the data folder. */
export interface Ways<T> {
  /** This process has. */
  readonly own: (folder: OpenFolder) => Promise<T>;
  /** A peer that runs elsewhere has. Called again if its first request reached no peer. */
  readonly running: (peer: RunningAccess) => Promise<T>;
  /** Tells who is to be logged in where this process has locked it; default: no user. */
  readonly expected?: () => Promise<ExpectedLogin | undefined>;
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

/**
 * Who will log in, where that takes no question.
 *
 * @param login What is known of it; by default the user is the one of `--user`.
 */
export async function expectedLogin(
  context: Context,
  login: Omit<ExpectedLogin, "password"> = given({ username: namedUser(context) }),
): Promise<ExpectedLogin | undefined> {
  const { passwordAtHand } = await loadModule<typeof import("../prompts/password_source.ts")>(
    new URL("../prompts/password_source.ts", import.meta.url),
  );
  const password = await passwordAtHand(context);
  return password === undefined ? undefined : { password, ...login };
}

/** The peer that seems to run on the data folder; its first call shows whether it does. To be closed. */
export async function runningPeer(context: Context): Promise<LoopbackClient | undefined> {
  return await clientOf(context, "none").catch(() => undefined);
}

async function clientOf(context: Context, need: Need): Promise<LoopbackClient | undefined> {
  const bytes = await context.io.readFile(
    joinPath(context.dataFolder, portFileName),
    portFileBytesMax,
  );
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
    const folder = await host.openFolder(dataFolder, ways.expected).catch((error) => {
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
        await client.meet();
        host.giveUpLibraries();
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
      "First run `camellia register NAME`, `camellia login NAME`, or, with a friend's invite, " +
      "`camellia join INVITE NAME`",
  );
}

/** Does a command's work with the peer that runs on the data folder, or with one started for it. */
export function withPeer<T>(
  context: Context,
  need: Need,
  work: (access: Access) => Promise<T>,
): Promise<T> {
  return withFolder(context, need, {
    running: work,
    ...given({ expected: need === "none" ? undefined : () => expectedLogin(context) }),
    own: async (folder) => {
      const { withOwnPeer } = await loadModule<typeof import("./own_peer.ts")>(
        new URL("./own_peer.ts", import.meta.url),
      );
      return await withOwnPeer(context, { folder, need }, work);
    },
  });
}
