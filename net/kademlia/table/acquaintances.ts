/**
 * Nodes that this one reaches and others do not: they are at home, behind a router that lets nothing in.
 *
 * They never enter the table, since others would be sent to them in vain. Small questions may be put to
 * them, as long as their own requests keep their router open.
 *
 * @module
 */
import type { Endpoint } from "../../../lib/ip_address.ts";
import { acquaintanceMsMax, acquaintancesMax } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";

/** One of them, and when it was last heard, in monotonic ms. */
interface Acquaintance {
  readonly contact: NodeContact;
  heardMs: number;
}

/** A bounded number of them; the one met longest ago makes room. */
export class Acquaintances {
  readonly #known = new Map<string, Acquaintance>();

  /** It has answered, and others do not reach it. */
  add(contact: NodeContact, nowMs: number): void {
    const name = addressName(contact);
    this.#known.delete(name);
    this.#known.set(name, { contact, heardMs: nowMs });
    const [oldest] = this.#known.keys();
    if (this.#known.size > acquaintancesMax && oldest !== undefined) this.#known.delete(oldest);
  }

  /** A request has come from there. */
  heard(from: Endpoint, nowMs: number): void {
    const known = this.#known.size === 0 ? undefined : this.#known.get(addressName(from));
    if (known !== undefined) known.heardMs = nowMs;
  }

  /** Others reach it after all, or it has gone. */
  delete(contact: NodeContact): void {
    this.#known.delete(addressName(contact));
  }

  /** Those heard lately. */
  live(nowMs: number): NodeContact[] {
    return [...this.#known.values()]
      .filter(({ heardMs }) => nowMs - heardMs < acquaintanceMsMax)
      .map(({ contact }) => contact);
  }
}

/** Names an address; no two share it. */
export function addressName({ ip, port }: Endpoint): string {
  return `${ip}|${port}`;
}
