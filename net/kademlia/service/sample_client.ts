/**
 * Small questions to random contacts: `stun`, `dial_back`, `relay` and `sample`.
 *
 * @module
 */
import { type Endpoint, type Family, familyOf, unicastAddress } from "../../../lib/ip_address.ts";
import { NetworkCounts, networkLimits } from "../../../lib/networks.ts";
import {
  dialBackContacts,
  dialBackTimeoutsMs,
  dialBackVotes,
  relayContacts,
  stunContacts,
} from "../constants.ts";
import { askAll, type Network } from "../lookup/network.ts";
import type { Contact, Random } from "../ports.ts";
import { dialBack } from "../rpc/methods/dial_back.ts";
import { relay, type RelayOffer } from "../rpc/methods/relay.ts";
import { sample } from "../rpc/methods/sample.ts";
import { stun } from "../rpc/methods/stun.ts";
import type { NodeContact } from "../space/contact.ts";
import type { TableEntry } from "../table/table_entry.ts";

/** One node's answer to `sample`. */
export interface SampleAnswer {
  /** The node that answered. */
  readonly contact: Contact;
  /** Decoded MessagePack of at most 1,200 bytes; written by a stranger. */
  readonly sample: unknown;
}

/** Where a node relays for others. */
export interface RelayPlaces extends Endpoint {
  /** The same at its address of the other family, where it says that it is reached there, too. */
  readonly other?: Endpoint;
}

/** Votes of one network on the own address: one of what any customer holds, few of wider ones. */
const addressVotesMax = networkLimits(1, 2, 4);

/** Votes on whether this node is reachable: with a few answers in all, one of any network is enough. */
const reachVotesMax = networkLimits(1, 1, 1);

/** Asks contacts for their samples, and for the address that they see this node under. */
export class SampleClient {
  readonly #network: Network;
  readonly #random: Random;

  constructor(network: Network, random: Random) {
    this.#network = network;
    this.#random = random;
  }

  /**
   * The IP address of a family that a majority of those that answer sees this node under. The port is not voted on:
   * behind many routers each asked node sees another one. One network has one vote at each depth, and
   * what a node on the open Internet says counts only where it names a public address.
   */
  async publicAddress(family: Family, signal?: AbortSignal): Promise<string | undefined> {
    const votes = new Map<string, number>();
    const voters = new NetworkCounts(addressVotesMax);
    let answers = 0;
    const contacts = this.#anyContacts(stunContacts, family);
    const onAnswer = (contact: NodeContact, { ip }: Endpoint): void => {
      if (familyOf(ip) !== family) return;
      const isPublic = unicastAddress(contact.ip)?.kind === "public";
      if (isPublic && unicastAddress(ip)?.kind !== "public") return;
      if (!voters.add(this.#network.table.networksOf(contact.ip))) return;
      answers++;
      votes.set(ip, (votes.get(ip) ?? 0) + 1);
    };
    await askAll(this.#network, { contacts, method: stun, args: {}, onAnswer }, signal);
    return [...votes].find(([, count]) => 2 * count > answers)?.[0];
  }

  /**
   * Whether strangers reach a TCP port of this machine by a family of addresses: what most of the first few say that answer, one
   * vote a network. Undefined where none answers.
   */
  async isReachable(
    port: number,
    family: Family,
    signal?: AbortSignal,
  ): Promise<boolean | undefined> {
    const voters = new NetworkCounts(reachVotesMax);
    const decided = new AbortController();
    const votes = { yes: 0, no: 0 };
    const onAnswer = (contact: NodeContact, isReached: boolean): void => {
      if (!voters.add(this.#network.table.networksOf(contact.ip))) return;
      votes[isReached ? "yes" : "no"]++;
      if (2 * Math.max(votes.yes, votes.no) > dialBackVotes) decided.abort();
    };
    const question = {
      contacts: this.#anyContacts(dialBackContacts, family),
      method: dialBack,
      args: { sender: this.#network.own, port },
      tries: dialBackTimeoutsMs.length,
      timeoutsMs: dialBackTimeoutsMs,
      onAnswer,
    };
    const until = signal === undefined ? decided.signal : AbortSignal.any([decided.signal, signal]);
    await askAll(this.#network, question, until).catch((error) => {
      if (!decided.signal.aborted) throw error;
    });
    const { yes, no } = votes;
    return yes === no ? undefined : yes > no;
  }

  /** The places of those random contacts that relay for others and have room, as they answer. */
  async relays(signal?: AbortSignal): Promise<RelayPlaces[]> {
    const found: RelayPlaces[] = [];
    const contacts = this.randomContacts(relayContacts);
    const args = { sender: this.#network.own };
    const onAnswer = ({ ip }: NodeContact, { port, room, other }: RelayOffer): void => {
      if (room === 0) return;
      // One on the open Internet is reached there by both families, and has no address of a home to name.
      const isTwin = other !== undefined && familyOf(other.ip) !== familyOf(ip) &&
        unicastAddress(other.ip)?.kind === unicastAddress(ip)?.kind;
      found.push(isTwin ? { ip, port, other } : { ip, port });
    };
    await askAll(this.#network, { contacts, method: relay, args, onAnswer }, signal);
    return found;
  }

  /** `count` contacts, drawn evenly from the table's live ones, or from all where none is live. */
  randomContacts(count: number): NodeContact[] {
    return this.#drawLive(this.#network.table, count);
  }

  #drawLive(entries: Iterable<TableEntry>, count: number): NodeContact[] {
    const all = [...entries];
    const live = all.filter((entry) => entry.failures === 0);
    // Where none answers, the fault is most likely the own line's.
    return this.#draw((live.length > 0 ? live : all).map(({ contact }) => contact), count);
  }

  /** The same of one family, and nodes that others do not reach where the table has too few. */
  #anyContacts(count: number, family: Family): NodeContact[] {
    const { neighbours, time, table } = this.#network;
    const contacts = this.#drawLive(table.of(family), count);
    const others = neighbours.acquaintances.live(time.monotonic())
      .filter(({ ip }) => familyOf(ip) === family);
    return [...contacts, ...this.#draw(others, count - contacts.length)];
  }

  #draw(from: NodeContact[], count: number): NodeContact[] {
    const drawn: NodeContact[] = [];
    while (from.length > 0 && drawn.length < count) {
      const [a = 0, b = 0] = this.#random.bytes(2);
      drawn.push(...from.splice((a * 256 + b) % from.length, 1));
    }
    return drawn;
  }

  /** The samples of those `contacts` that answer. */
  async sample(contacts: readonly NodeContact[], signal?: AbortSignal): Promise<SampleAnswer[]> {
    const answers: SampleAnswer[] = [];
    const args = { sender: this.#network.own };
    const onAnswer = (contact: NodeContact, answer: unknown): void => {
      answers.push({ contact, sample: answer });
    };
    await askAll(this.#network, { contacts, method: sample, args, onAnswer }, signal);
    return answers;
  }
}
