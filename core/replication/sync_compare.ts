/**
 * Comparing heads every five minutes with somebody who follows the same authors (design, section 6,
 * behaviour 4). It repairs whatever losses, liars and relays that stopped have left.
 *
 * @module
 */

import { equalBytes } from "../model/bytes.ts";
import type { UserRef } from "../model/user.ts";
import type { DeviceEntry, Head } from "../model/record_body.ts";
import type { Timer } from "../ports.ts";
import type { Lists, People, Session } from "../session/interfaces.ts";
import { mapBounded } from "../../lib/waiting.ts";
import { type FetchParts, wantOf } from "./fetch_parts.ts";
import { isSame } from "../model/user.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import { fraction, shuffled } from "../../lib/random.ts";

/** From one comparison to the next (design, section 6), drawn a tenth around it, so that peers don't march in step. */
const everyMs = 300_000;

/** Users looked at in search of one who is online. */
const candidatesMax = 12;

/** How long one of them may take to accept a connection. */
const probeMs = 500;

/** Authors compared with one partner; with more in common, others the next time. */
const authorsMax = 128;

/** Authors whose public records are looked at in one round. */
const publicHeadsMax = 8;

/** Questions sent at once. */
const askedAtOnceMax = 4;

/** What a comparison needs. */
export interface ComparisonParts extends Pick<FetchParts, "session" | "records" | "intake"> {
  /** The session. */
  readonly session: Session;
  /** Lists of others. */
  readonly people: Pick<People, "find" | "lists">;
  /** The own lists. */
  readonly lists: Pick<Lists, "get" | "present">;
  /** Asks. */
  readonly messenger: Pick<PeerMessenger, "send" | "devices">;
  /** Told the heads that an author's public record promises. */
  readonly onHeads: (author: UserRef, heads: readonly Head[]) => Promise<void>;
}

/** Whom to compare with. */
interface Partner {
  readonly user: UserRef;
  readonly device: DeviceEntry;
}

/** Compares heads. */
export class Comparison {
  readonly #parts: ComparisonParts;
  #timer: Timer | undefined;

  /** Nothing happens before {@linkcode start}. */
  constructor(parts: ComparisonParts) {
    this.#parts = parts;
    parts.session.signal.addEventListener("abort", () => this.#timer?.cancel(), { once: true });
  }

  /** Compares every five minutes until the session ends. */
  start(): void {
    const { signal, ports: { clock, random } } = this.#parts.session;
    if (signal.aborted) return;
    this.#timer = clock.after(everyMs * (0.9 + 0.2 * fraction(random)), () => {
      this.compare()
        .catch(() => {
          // Nobody waits for this one: the next comes in five minutes.
        })
        .finally(() => this.start());
    });
  }

  /** One comparison: asks a partner for all authors that both follow. What it has comes as `posts`. */
  async compare(): Promise<void> {
    const { session: { signal, ports: { random } } } = this.#parts;
    await this.#readPublicHeads();
    const partner = await this.#findPartner();
    if (partner === undefined || signal.aborted) return;
    const authors = shuffled(await this.#inCommon(partner.user), random).slice(0, authorsMax);
    await mapBounded(authors, askedAtOnceMax, (author) => this.#ask(partner, author));
  }

  /** What some followed authors promise in public, where they and whoever knows may be out of reach. */
  async #readPublicHeads(): Promise<void> {
    const { session: { signal, ports: { random } }, lists, people, onHeads } = this.#parts;
    const authors = shuffled(lists.present("following"), random).slice(0, publicHeadsMax);
    await mapBounded(authors, askedAtOnceMax, async (author) => {
      if (signal.aborted) return;
      const person = await people.find(author.username, signal);
      if (person?.public === undefined || !isSame(person, author)) return;
      await onHeads(author, person.public.heads);
    });
  }

  async #ask({ user: to, device: { device } }: Partner, author: UserRef): Promise<void> {
    const { session: { signal }, messenger } = this.#parts;
    if (signal.aborted) return;
    const body = await wantOf(this.#parts, author);
    await messenger.send({ kind: "want", to, body, device }, signal);
  }

  /** The first of some users, in random order, who is online. */
  async #findPartner(): Promise<Partner | undefined> {
    const { session: { signal, ports: { links } }, messenger } = this.#parts;
    for (const user of await this.#candidates()) {
      if (signal.aborted) return undefined;
      const devices = await messenger.devices(user, signal);
      for (const device of devices) {
        if (await links.probe(device, probeMs, signal)) return { user, device };
      }
    }
    return undefined;
  }

  /** Followed users and fellow followers of one of them; half and half where there are many. */
  async #candidates(): Promise<UserRef[]> {
    const { session, lists, people } = this.#parts;
    const { random } = session.ports;
    const followed = shuffled(lists.present("following"), random);
    const [author] = followed;
    if (author === undefined) return [session.self];
    const person = await people.find(author.username, session.signal);
    const fellows = person === undefined || !isSame(person, author)
      ? []
      : (await people.lists(person, session.signal))
        .filter(({ list, username }) => list === "followers" && username !== session.self.username);
    const half = candidatesMax / 2;
    const drawn = [...followed.slice(0, half), ...shuffled(fellows, random).slice(0, half)];
    return shuffled([...drawn, session.self], random)
      .map(({ username, key }) => ({ username, key }));
  }

  /** Authors that both follow, and the partner if it is one whom the user follows. */
  async #inCommon(partner: UserRef): Promise<UserRef[]> {
    const { session, lists, people } = this.#parts;
    const { self, signal } = session;
    const mine = [self, ...lists.present("following")]
      .map(({ username, key }) => ({ username, key }));
    // One's own other devices follow whom one follows.
    if (isSame(partner, self)) return mine;
    const person = await people.find(partner.username, signal);
    const theirs = new Map<string, Uint8Array>([[partner.username, partner.key]]);
    if (person !== undefined && isSame(person, partner)) {
      for (const { list, username, key } of await people.lists(person, signal)) {
        if (list === "following") theirs.set(username, key);
      }
    }
    return mine.filter(({ username, key }) => {
      const other = theirs.get(username);
      return other !== undefined && equalBytes(other, key);
    });
  }
}
