/**
 * An invite as a person meets it.
 *
 * @module
 */

import type { InviteView } from "../../core/api.ts";
import { readInvite } from "../../core/model/invite.ts";
import type { Look } from "./look.ts";
import { wrapText } from "../terminal/width.ts";

/** Light modules around the code, by which cameras find it: 4 by ISO 18004; 2 are enough on screens. */
const border = 2;

/** What a person has to know first: whether the friend's peer will reach this one. */
const reachTexts: Readonly<Record<InviteView["reach"], string>> = {
  direct: "Others connect to this peer: your friend reaches it while it runs.",
  mapped:
    "Others connect to this peer, because your router lets them in: your friend reaches it while it runs.",
  relayed: "Others reach this peer through relays: your friend does, too, while it runs.",
  none:
    "No other peer has reached this one so far. Your friend can join if a node that the invite " +
    "names answers, and gets your posts when this peer reaches your friend's. `camellia status` says more.",
};

/** The text of an invite, without its code. */
export function renderInvite(view: InviteView, { paint, columns }: Look): string {
  const { inviter, nodes, token, expires } = readInvite(view.invite);
  const wrapped = (text: string) => wrapText(text, Math.min(columns, 100) - 1).join("\n");
  const reach = wrapped(reachTexts[view.reach]);
  const uses = token === undefined
    ? "Any number of friends can use it. You decide yourself whom of them you follow."
    : "It is good for one friend, whom you follow back. Send it to no one else.";
  const until = expires === undefined ? "" : ` It is good until ${view.expires}.`;
  return [
    view.reach === "none" ? paint.warning(reach) : reach,
    ...nodes.length > 0
      ? []
      : [paint.warning(wrapped("It names no node to join through: no other node is known here."))],
    "",
    view.invite,
    "",
    wrapped(`Your friend types: camellia join, then the invite, and follows ${inviter.username}.`),
    wrapped(uses + until),
  ].join("\n");
}

/** The QR code (ISO 18004) of a text in half blocks, light on dark. Its library is loaded when it is needed. */
export async function qrCode(text: string): Promise<string> {
  const { renderUnicodeCompact } = await import("uqr");
  return renderUnicodeCompact(text, { border, ecc: "L" });
}
