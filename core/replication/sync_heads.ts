/**
 * How far authors' feeds are known to reach, by the authors' own signatures.
 *
 * @module
 */

import type { Head } from "../model/record_body.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";

/** Authors whose heads are remembered: more than a user can follow. */
const authorsMax = 8192;

/** Heads that authors promised: in `public`, in `hello`, in `posts`, by a post itself. */
export class PromisedHeads {
  readonly #authors = new BoundedMap<string, Map<number, number>>(authorsMax);

  /** Takes in heads that are certain to be the author's word; whether any reaches further than before. */
  raise(author: string, heads: Iterable<Head>): boolean {
    const known = this.#authors.get(author) ?? new Map<number, number>();
    let raised = false;
    for (const { device, head } of heads) {
      if ((known.get(device) ?? 0) >= head) continue;
      known.set(device, head);
      raised = true;
    }
    if (raised) this.#authors.set(author, known);
    return raised;
  }

  /** The heads promised. */
  of(author: string): Head[] {
    return [...this.#authors.get(author) ?? []].map(([device, head]) => ({ device, head }));
  }

  /** Forgets an author who is no longer followed. */
  forget(author: string): void {
    this.#authors.delete(author);
  }
}
