/**
 * Small questions to random contacts: `stun` and `sample`.
 *
 * @module
 */
import type { Endpoint } from "../../../lib/ip_address.ts";
import { stunContacts } from "../constants.ts";
import { askAll, type Network } from "../lookup/network.ts";
import type { Contact, Random } from "../ports.ts";
import { sample } from "../rpc/methods/sample.ts";
import { stun } from "../rpc/methods/stun.ts";
import type { NodeContact } from "../space/contact.ts";

/** One node's answer to `sample`. */
export interface SampleAnswer {
  /** The node that answered. */
  readonly contact: Contact;
  /** Decoded MessagePack of at most 1,200 bytes; written by a stranger. */
  readonly sample: unknown;
}

/** Asks contacts for their samples, and for the address that they see this node under. */
export class SampleClient {
  readonly #network: Network;
  readonly #random: Random;

  constructor(network: Network, random: Random) {
    this.#network = network;
    this.#random = random;
  }

  /** The address that a majority of those that answer sees this node under. */
  async publicAddress(signal?: AbortSignal): Promise<Endpoint | undefined> {
    const votes = new Map<string, { address: Endpoint; count: number }>();
    let answers = 0;
    const contacts = this.randomContacts(stunContacts);
    const onAnswer = (_contact: NodeContact, address: Endpoint): void => {
      answers++;
      const name = `${address.ip}|${address.port}`;
      const vote = votes.get(name) ?? { address, count: 0 };
      vote.count++;
      votes.set(name, vote);
    };
    await askAll(this.#network, { contacts, method: stun, args: {}, onAnswer }, signal);
    return [...votes.values()].find(({ count }) => 2 * count > answers)?.address;
  }

  /** `count` contacts, drawn evenly from the table's live ones. */
  randomContacts(count: number): NodeContact[] {
    const live = [...this.#network.table].filter((entry) => entry.failures === 0);
    const drawn: NodeContact[] = [];
    while (live.length > 0 && drawn.length < count) {
      const [a = 0, b = 0] = this.#random.bytes(2);
      const [entry] = live.splice((a * 256 + b) % live.length, 1);
      if (entry) drawn.push(entry.contact);
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
