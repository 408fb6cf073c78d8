/**
 * Joining by an invite, as the command and the menu do it alike.
 *
 * @module
 */

import { join } from "node:path";
import type { FollowView, PeerCalls, UserView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { fingerprintOf } from "../../core/model/identity.ts";
import { type Invite, readInvite, refuseExpired } from "../../core/model/invite.ts";
import { utf8 } from "../../core/model/bytes.ts";
import { messageOf } from "../output/failure.ts";
import type { Context } from "../peer/host.ts";
import { configBytesMax } from "../settings/config.ts";
import { withNodes } from "../settings/config_edit.ts";
import { formatHostPorts } from "../../lib/host_port.ts";
import { configName } from "../settings/places.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { withSpinner } from "../terminal/spinner.ts";

/** An invite, and the string that it came in. */
export interface GivenInvite extends Invite {
  /** The string. */
  readonly text: string;
}

/**
 * The invite that a person gives, if it is good by this machine's clock.
 *
 * @throws {CamelliaError} `invalid_invite`, `invite_expired`.
 */
export function takeInvite(text: string, { io }: Pick<Context, "io">): GivenInvite {
  const invite = readInvite(text);
  refuseExpired(invite, io.now());
  return { ...invite, text };
}

/**
 * Refuses an invite that its own inviter wants to use.
 *
 * @throws {CamelliaError} `follow_self`.
 */
export function refuseOwn({ inviter }: Invite, user: UserView | null | undefined): void {
  if (user?.fingerprint !== fingerprintOf(inviter.key)) return;
  const message = "Cannot use the invite: it is your own. Give it to a friend";
  throw new CamelliaError("follow_self", message);
}

/** Joins the network of an invite, and keeps its nodes for the next start. */
export async function enterBy(
  context: Context,
  api: PeerCalls,
  invite: GivenInvite,
): Promise<void> {
  const { io, signal, output } = context;
  const work = api.enter({ invite: invite.text }, signal);
  const { nodes } = await withSpinner(io, "Joining the network", work);
  const hosts = nodes.map(({ ip, port }) => ({ host: ip, port }));
  if (hosts.length === 0) return;
  const why = await rememberNodes(context, hosts).catch(messageOf);
  if (why === undefined) return;
  await output.note(
    `The nodes of the invite were not written into a config.ini: ${why}. The next start may need ` +
      `--bootstrap with one of ${formatHostPorts(hosts)}`,
  );
}

/** Writes nodes into the data folder's config.ini; says why not where another file is used. */
async function rememberNodes(
  { io, host, flags, dataFolder }: Context,
  nodes: Parameters<typeof withNodes>[1],
): Promise<string | undefined> {
  if (flags.config !== undefined) return `${flags.config} is in use, which is yours to change`;
  const path = join(dataFolder, configName);
  const bytes = await io.readFile(path, configBytesMax) ?? new Uint8Array();
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const changed = withNodes(text, nodes);
  if (changed !== text) await host.writePrivate(path, utf8(changed));
  return undefined;
}

/** Follows the inviter under the key of the invite, and presents the token. */
export async function acceptBy(
  { io, signal }: Context,
  api: PeerCalls,
  { text, inviter }: GivenInvite,
): Promise<FollowView> {
  const work = api.accept({ invite: text }, signal);
  return await withSpinner(io, `Looking for ${inviter.username}`, work);
}

/** What became of it, and what the token may still bring. */
export function renderJoined(
  { token, inviter }: Invite,
  { view, posts }: { readonly view: FollowView; readonly posts: number },
): string {
  const name = safeLine(inviter.username);
  const here = posts === 0
    ? `None of ${name}'s posts is here yet.`
    : `${posts} of ${name}'s posts ${posts === 1 ? "is" : "are"} here.`;
  const notice = view.acknowledged
    ? ""
    : ` ${name} does not know yet: the request goes out again until it is acknowledged.`;
  const back = token === undefined
    ? ""
    : `\nThe invite is good once: unless another used it before you, ${name} follows you back.`;
  return `You follow ${name}. ${here}${notice}${back}`;
}
