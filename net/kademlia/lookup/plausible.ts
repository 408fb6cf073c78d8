/**
 * Which of the contacts that a node names may be nodes at all.
 *
 * @module
 */
import { familyOf, unicastAddress } from "../../../lib/ip_address.ts";
import type { NodeContact } from "../space/contact.ts";

/** Whether a contact that `from` named is another node than `self`, which `from` can know of. */
export function isPlausible(contact: NodeContact, from: NodeContact, self: NodeContact): boolean {
  if (contact.nodeId.equals(self.nodeId)) return false;
  // A node names what the asker reaches as it reaches that node: the other family is another path's.
  if (familyOf(contact.ip) !== familyOf(from.ip)) return false;
  if (contact.port === self.port && contact.ip === self.ip) return false;
  const kind = unicastAddress(contact.ip)?.kind;
  if (kind === "public") return true;
  // No node outside knows what is on this machine or in this private network.
  const fromKind = unicastAddress(from.ip)?.kind;
  return kind === "loopback" ? fromKind === "loopback" : fromKind !== "public";
}
