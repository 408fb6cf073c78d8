/**
 * `invite` and `join`: one command on each side, and two friends follow each other.
 *
 * @module
 */

import type { InviteRequest, InviteView, PeerCalls, UserView } from "../../core/api.ts";
import { given } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { parseUsername } from "../../core/model/username.ts";
import { qrCode, renderInvite } from "../output/invite_text.ts";
import { renderUser } from "../output/render.ts";
import { type Access, expectedLogin, withFolder, withPeer } from "../peer/access.ts";
import { joinNetwork, logIn, ownAccess, withStartedPeer } from "../peer/own_peer.ts";
import type { Context } from "../peer/host.ts";
import { passwordFor } from "../prompts/password_source.ts";
import { resolveSettings } from "../settings/settings.ts";
import { withSpinner } from "../terminal/spinner.ts";
import { textWidth } from "../terminal/width.ts";
import { untilQuiet, untilTold } from "./fetching.ts";
import {
  acceptBy,
  enterBy,
  type GivenInvite,
  refuseOwn,
  renderJoined,
  takeInvite,
} from "./joining.ts";
import { newPassword, registerByPassword, requireFree } from "./tasks.ts";
import { canShowWords, showWords } from "./words.ts";

/** Makes an invite, and says so while it takes its time. */
export async function makeInvite(
  { io, signal }: Context,
  api: PeerCalls,
  request: InviteRequest,
): Promise<InviteView> {
  const work = api.invite(request, signal);
  return await withSpinner(io, "Asking how others reach this peer", work);
}

/** The QR code of an invite; undefined where the terminal is too narrow for it, or there is none. */
export async function fittingCode({ io }: Context, invite: string): Promise<string | undefined> {
  if (!io.terminal.output) return undefined;
  const code = await qrCode(invite);
  return textWidth(code.split("\n", 1)[0] ?? "") <= io.size().columns ? code : undefined;
}

/** Who joins, as far as is known before the network is asked. */
interface Joiner {
  /** The name that was given, or that of the account of this machine. */
  readonly username: string | undefined;
  /** Names of the accounts of this machine. */
  readonly accounts: readonly string[];
  /** The password, where there is no person to ask later. */
  readonly password: string | undefined;
}

/**
 * The joiner, with what has to be known before anything takes time where there is no person to ask.
 *
 * @throws {CamelliaError} `invalid_argument` where no name is known, `no_password`.
 */
async function joinerOf(
  context: Context,
  name: string | undefined,
  accounts: readonly string[],
): Promise<Joiner> {
  const { flags, io } = context;
  const named = name ?? (flags.user === undefined ? undefined : parseUsername(flags.user));
  const username = named ?? accounts[0];
  if (io.terminal.input) return { username, accounts, password: undefined };
  if (username === undefined) {
    const message =
      "Cannot join without a name: there is no account here yet. Give one after the invite";
    throw new CamelliaError("invalid_argument", message);
  }
  const password = accounts.includes(username)
    ? await passwordFor(context, { username, kind: "login" })
    : await newPassword(context, username);
  return { username, accounts, password };
}

/** Logs in the account of this machine, or registers: the name is settled before a password is typed. */
async function enterAccount(context: Context, api: PeerCalls, joiner: Joiner): Promise<UserView> {
  const { io, prompts, signal, output } = context;
  const ask = async (message: string) => parseUsername(await prompts.text({ message }, signal));
  let username = joiner.username ?? await ask("Your username:");
  if (joiner.accounts.includes(username)) {
    const password = joiner.password ?? await passwordFor(context, { username, kind: "login" });
    return await logIn(context, api, { username, password });
  }
  while (true) {
    try {
      await requireFree(context, api, username);
      break;
    } catch (error) {
      const isTaken = error instanceof CamelliaError && error.code === "name_taken";
      if (!isTaken || !io.terminal.input) throw error;
      await output.note(error.message);
      username = await ask("Another username:");
    }
  }
  const account = { username, password: joiner.password };
  const { user, password } = await registerByPassword(context, api, account);
  await output.note(`Registered and logged in: ${renderUser(user, output.look())}`);
  if (canShowWords(context)) await showWords(context, api, { username, password });
  return user;
}

/** Failures that time may mend: joining again brings what is missing. */
const passing: ReadonlySet<string> = new Set(["no_answer", "not_joined"]);

/** Joins with a peer at hand: the network first, then the account, then the inviter. */
async function joinWith(
  context: Context,
  access: Access,
  { invite, joiner }: { readonly invite: GivenInvite; readonly joiner: Joiner },
): Promise<void> {
  const { api } = access;
  const { output } = context;
  const { user: before } = await api.status();
  refuseOwn(invite, before);
  await enterBy(context, api, invite);
  const user = before ?? await enterAccount(context, api, joiner);
  const said = { ...user, inviter: invite.inviter.username };
  try {
    const first = await acceptBy(context, api, invite);
    const { username: author } = invite.inviter;
    const told = first.acknowledged ||
      await withSpinner(context.io, `Telling ${author}`, untilTold(context, access));
    const view = { ...first, acknowledged: told };
    await withSpinner(context.io, `Fetching ${author}'s posts`, untilQuiet(context, access));
    const posts = (await api.timeline({ limit: 1000, author })).posts.length;
    await output.line({ ...said, following: true }, (look) => {
      const me = `You are ${renderUser(user, look)}`;
      return `${me}\n${renderJoined(invite, { view, posts })}`;
    });
  } catch (error) {
    if (!(error instanceof CamelliaError) || !passing.has(error.code)) throw error;
    await output.line({ ...said, following: false }, (look) => {
      const again = "Use the invite again later: `camellia join` and the same string";
      return `You are ${renderUser(user, look)}\n${error.message} ${again}`;
    });
  }
  if (access.own) await output.note("`camellia` or `camellia up` keeps you in the network");
}

/** Joins with the peer that runs, or with one of this command's own. */
async function joinBy(context: Context, invite: GivenInvite, name?: string): Promise<void> {
  // The user of that name registers, unless the account is on this machine.
  const login = name === undefined ? undefined : { username: name, isNew: true };
  await withFolder(context, "none", {
    ...given({ expected: login && (() => expectedLogin(context, login)) }),
    async running(access) {
      const { user } = await access.api.status();
      if (user !== null && name !== undefined && user.username !== name) {
        throw new CamelliaError(
          "already_logged_in",
          `Cannot join as ${name}: ${user.username} is logged in to the peer that runs on this data ` +
            "folder. Leave the name out, log out first, or choose another folder with --data",
        );
      }
      refuseOwn(invite, user);
      const joiner = user === null
        ? await joinerOf(context, name, await access.api.users())
        : { username: user.username, accounts: [], password: undefined };
      await joinWith(context, access, { invite, joiner });
    },
    async own(folder) {
      const accounts = await folder.accounts();
      const joiner = await joinerOf(context, name, accounts.map(({ username }) => username));
      refuseOwn(invite, accounts.find(({ username }) => username === joiner.username));
      const settings = await resolveSettings(context);
      const { log } = context.output;
      await withStartedPeer(context, { folder, settings, log }, async (peer) => {
        await joinNetwork(context, peer);
        await joinWith(context, ownAccess(peer.api), { invite, joiner });
      });
    },
  });
}

/** More than the longest invite, and white space around it. */
const inputBytesMax = 4096;

/** The argument, or with `-` standard input: other users of the machine can read a command line. */
async function givenText({ io }: Context, argument: string): Promise<string> {
  if (argument !== "-") return argument;
  const bytes = await io.input(inputBytesMax);
  if (bytes !== undefined) return new TextDecoder().decode(bytes);
  const message = `Cannot use the invite: standard input has more than ${inputBytesMax} bytes`;
  throw new CamelliaError("invalid_invite", message);
}

/** `invite`. */
export async function invite(
  context: Context,
  { once, expires: expiresInMs, qr, noQr }: {
    readonly once?: true;
    readonly expires?: number;
    readonly qr?: true;
    readonly noQr?: true;
  },
): Promise<void> {
  await withPeer(context, "user", async ({ api, own }) => {
    const view = await makeInvite(context, api, given({ once, expiresInMs }));
    const code = context.output.json || noQr
      ? undefined
      : qr
      ? await qrCode(view.invite)
      : await fittingCode(context, view.invite);
    await context.output.line(view, (look) => {
      const text = renderInvite(view, look);
      return code === undefined ? text : `${text}\n\n${code}`;
    });
    if (own) await context.output.note("Keep a peer running for your friend: `camellia up`");
  });
}

/** `join`. */
export async function join(
  context: Context,
  { text, name }: { readonly text: string; readonly name: string | undefined },
): Promise<void> {
  const username = name === undefined ? undefined : parseUsername(name);
  await joinBy(context, takeInvite(await givenText(context, text), context), username);
}
