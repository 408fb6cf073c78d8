/**
 * Joining the network (section 2.3, last paragraph).
 *
 * @module
 */
import { type HostPort, isPort, unicastAddress } from "../../../lib/ip_address.ts";
import {
  bootstrapAddressesMax,
  bootstrapTries,
  otherGreetingsMs,
  pathsDefault,
  savedContactsMax,
} from "../constants.ts";
import { NodeContact } from "../space/contact.ts";
import { Id, withPrefix } from "../space/id.ts";
import type { Operations } from "../values/operations.ts";
import { Poll } from "../rpc/fan_out.ts";
import type { Random, Resolver, Timer } from "../ports.ts";
import type { Network } from "../lookup/search.ts";
import { decodePong } from "../rpc/wire.ts";
import type { Writing } from "../values/writing.ts";

/** What {@link Joining} is built from. */
export interface JoiningOptions {
  readonly network: Network;
  readonly operations: Operations;
  readonly writing: Pick<Writing<unknown>, "closest">;
  readonly random: Random;
  readonly resolve: Resolver | undefined;
  readonly onError: (error: Error) => void;
  /** Contacts of an earlier run. */
  readonly saved: readonly NodeContact[];
}

/** The id of a bootstrap node is not known before it has answered. */
const unknownId = new Id(0, 0, 0, 0, 0);

/** Joins, as often as it is asked to. */
export class Joining {
  readonly #options: JoiningOptions;

  constructor(options: JoiningOptions) {
    this.#options = options;
  }

  /** Joins through any of `addresses` or a contact of an earlier run; whether anybody is there. */
  async join(addresses: readonly HostPort[], signal?: AbortSignal): Promise<boolean> {
    const { network, saved, writing, random } = this.#options;
    const { table, own } = network;
    const given = await this.#resolve(addresses);
    signal?.throwIfAborted();
    // Tables are saved from the far end: the last contacts are the own neighbourhood.
    await this.#greet([...given, ...saved.slice(-savedContactsMax)], signal);
    if (table.live === 0) return false;
    await writing.closest(own, pathsDefault, signal);
    // From the far end, because buckets split while their contacts are being verified.
    for (let bucket = 0; bucket < table.bucketCount; bucket++) {
      const target = withPrefix(own, bucket, Id.from(random.bytes(20)));
      await writing.closest(target, 1, signal);
    }
    return table.live > 0;
  }

  async #resolve(addresses: readonly HostPort[]): Promise<NodeContact[]> {
    const lists = await Promise.all(
      addresses.slice(0, bootstrapAddressesMax).map((address) => this.#resolveOne(address)),
    );
    return lists.flat().slice(0, bootstrapAddressesMax);
  }

  async #resolveOne({ host, port }: HostPort): Promise<NodeContact[]> {
    const { resolve, onError } = this.#options;
    if (!isPort(port)) {
      onError(new RangeError(`Cannot join through ${host}: ${port} is no UDP port`));
      return [];
    }
    const literal = unicastAddress(host);
    if (literal !== undefined) return [new NodeContact(unknownId, literal.ip, port)];
    try {
      if (resolve === undefined) throw new Error("no resolver is there for names");
      const contacts = (await resolve(host)).map((ip) => unicastAddress(ip)?.ip)
        .filter((ip) => ip !== undefined)
        .map((ip) => new NodeContact(unknownId, ip, port));
      return contacts.slice(0, bootstrapAddressesMax);
    } catch (error) {
      onError(new Error(`Cannot join through ${host}: it cannot be resolved`, { cause: error }));
      return [];
    }
  }

  /**
   * Pings all; goes on a moment after the first has answered, while the others may still come. Whoever
   * knows but one liar learns of nobody but liars: the first to answer shall not be the only one.
   */
  #greet(contacts: readonly NodeContact[], signal: AbortSignal | undefined): Promise<void> {
    const { network, operations } = this.#options;
    let wait: Timer | undefined;
    return operations.run<void>(signal, (done) => {
      const poll = new Poll({
        rpc: network.rpc,
        contacts,
        request: { method: "ping", sender: network.own },
        tries: bootstrapTries,
        onAnswer: (contact, data) => {
          const id = decodePong(data);
          if (id === undefined) return false;
          const known = contact.nodeId !== unknownId;
          if (known && !id.equals(contact.nodeId)) return false;
          const entered = known ? contact : new NodeContact(id, contact.ip, contact.port);
          network.neighbours.enter(entered, network.rpc.nowMs());
          wait ??= network.scheduler.after(otherGreetingsMs, () => done());
          return true;
        },
        onDone: () => {
          wait?.cancel();
          done();
        },
      });
      poll.start();
      return () => {
        wait?.cancel();
        poll.stop();
      };
    });
  }
}
