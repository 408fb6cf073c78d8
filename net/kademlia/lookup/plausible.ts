/**
 * Which of the contacts that a node names may be nodes at all.
 *
 * @module
 */
import type { NodeContact } from "../space/contact.ts";

/** Whether a contact that `from` named is another node than `self`, which `from` can know of. */
export function isPlausible(contact: NodeContact, from: NodeContact, self: NodeContact): boolean {
  if (contact.nodeId.equals(self.nodeId)) return false;
  // A node names what the asker reaches as it reaches that node: the other family is another path's.
  if (contact.family !== from.family) return false;
  if (contact.port === self.port && contact.ip === self.ip) return false;
  const { kind } = contact;
  if (kind === "public") return true;
  // No node outside knows what is on this machine or in this private network.
  return kind === "loopback" ? from.kind === "loopback" : from.kind !== "public";
}
