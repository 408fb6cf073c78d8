/**
 * Small questions to random contacts: `stun` and `sample`.
 *
 * @module
 */
import { stunContacts } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import type { SampleAnswer } from "./node_options.ts";
import type { Operations } from "../values/operations.ts";
import { Poll } from "../rpc/fan_out.ts";
import type { Address, Random } from "../ports.ts";
import type { Network } from "../lookup/search.ts";
import { decodeSample, decodeStun } from "../rpc/wire.ts";

/** What {@link Asking} is built from. */
export interface AskingOptions {
  readonly network: Network;
  readonly operations: Operations;
  readonly random: Random;
}

/** Asks around. */
export class Asking {
  readonly #options: AskingOptions;

  constructor(options: AskingOptions) {
    this.#options = options;
  }

  /** The address that a majority of those that answer sees us under. */
  async publicAddress(signal?: AbortSignal): Promise<Address | undefined> {
    const votes = new Map<string, { address: Address; count: number }>();
    let answers = 0;
    await this.#ask("stun", this.randomContacts(stunContacts), signal, (_contact, data) => {
      const address = decodeStun(data);
      if (address === undefined) return false;
      answers++;
      const name = `${address.ip}|${address.port}`;
      const vote = votes.get(name) ?? { address, count: 0 };
      vote.count++;
      votes.set(name, vote);
      return true;
    });
    for (const { address, count } of votes.values()) if (2 * count > answers) return address;
    return undefined;
  }

  /** `count` contacts, drawn evenly from the table's live ones. */
  randomContacts(count: number): NodeContact[] {
    const live = [...this.#options.network.table].filter((entry) => entry.failures === 0);
    const drawn: NodeContact[] = [];
    while (live.length > 0 && drawn.length < count) {
      const [a = 0, b = 0] = this.#options.random.bytes(2);
      const [entry] = live.splice((a * 256 + b) % live.length, 1);
      if (entry) drawn.push(entry.contact);
    }
    return drawn;
  }

  /** The samples of `contacts` that answer, decoded. */
  async sample(contacts: NodeContact[], signal?: AbortSignal): Promise<SampleAnswer[]> {
    const answers: SampleAnswer[] = [];
    await this.#ask("sample", contacts, signal, (contact, data) => {
      const sample = decodeSample(data);
      if (sample === undefined) return false;
      answers.push({ contact, sample });
      return true;
    });
    return answers;
  }

  #ask(
    method: "stun" | "sample",
    contacts: readonly NodeContact[],
    signal: AbortSignal | undefined,
    onAnswer: (contact: NodeContact, data: Uint8Array) => boolean,
  ): Promise<void> {
    const request = method === "stun" ? { method } : { method, sender: this.#options.network.own };
    return this.#options.operations.run<void>(signal, (done) => {
      const { rpc } = this.#options.network;
      const poll = new Poll({ rpc, contacts, request, onAnswer, onDone: () => done() });
      poll.start();
      return () => poll.stop();
    });
  }
}
