/**
 * Fills the far buckets of a table at the join.
 *
 * A lookup into a bucket asks some 25 nodes for one that stays. Here a few nodes are asked for what they
 * know of the bucket, and those that they name are pinged, as every contact is that is to enter.
 *
 * @module
 */
import { fillersAsked, verifyTries } from "../constants.ts";
import { askAll, type Network } from "../lookup/network.ts";
import { isPlausible } from "../lookup/plausible.ts";
import type { Random } from "../ports.ts";
import { findNode } from "../rpc/methods/find_node.ts";
import type { NodeContact } from "../space/contact.ts";
import { Id, withPrefix } from "../space/id.ts";

/** Fills a bucket, as far as contacts know nodes for it; resolves when those have answered or have not. */
export async function fillBucket(
  network: Network,
  { bucket, random }: { readonly bucket: number; readonly random: Random },
  signal?: AbortSignal,
): Promise<void> {
  const { own, self, table, neighbours, rpc } = network;
  const lists: NodeContact[][] = [];
  const asked = new Set<NodeContact>();
  const questions: Promise<number>[] = [];
  for (let n = 0; n < fillersAsked; n++) {
    // Each is asked about another point of the range: what one of them says is a part of the bucket only.
    const target = withPrefix(own, bucket, Id.random(random));
    table.lookedUp(target, rpc.nowMs());
    const contact = table.closest(target, fillersAsked).find((one) => !asked.has(one));
    if (contact === undefined) break;
    asked.add(contact);
    questions.push(askAll(network, {
      contacts: [contact],
      method: findNode,
      args: { sender: own, target },
      onAnswer: (from, { contacts }) => {
        lists.push(
          contacts.filter((one) => table.bucketOf(one) === bucket && isPlausible(one, from, self)),
        );
      },
    }, signal));
  }
  await Promise.all(questions);
  const names = inTurns(lists);
  while (names.length > 0) {
    await verified(network, signal);
    let sent = 0;
    for (let next = names[0]; next !== undefined; next = names[0]) {
      if (table.roomFor(next) <= sent) break;
      names.shift();
      if (table.find(next) !== undefined) continue;
      neighbours.verify(next);
      sent++;
    }
    if (sent === 0) return;
  }
  await verified(network, signal);
}

/** Resolves when those that are pinged have answered; of some that are silent not all is waited for. */
function verified(
  { operations, neighbours, scheduler }: Network,
  signal: AbortSignal | undefined,
): Promise<void> {
  return operations.run<void>(signal, (done) => {
    const timer = scheduler.after(verifyTries * neighbours.timeoutMs, () => done());
    const end = (): void => {
      timer.cancel();
      done();
    };
    neighbours.onVerified(end);
    return () => timer.cancel();
  });
}

/** The first of each list, then the second of each, and so on; each node once. */
export function inTurns(lists: readonly (readonly NodeContact[])[]): NodeContact[] {
  const contacts = new Map<string, NodeContact>();
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  for (let i = 0; i < longest; i++) {
    for (const list of lists) {
      const contact = list[i];
      if (contact !== undefined) contacts.set(contact.nodeId.toString(), contact);
    }
  }
  return [...contacts.values()];
}
