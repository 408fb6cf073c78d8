/**
 * Joining the network (section 2.3, last paragraph).
 *
 * @module
 */
import { type Family, familyOf, isPort, unicastAddress } from "../../../lib/ip_address.ts";
import type { HostPort } from "../../../lib/host_port.ts";
import {
  bootstrapAddressesMax,
  bootstrapTimeoutsMs,
  lookupsPerJoin,
  otherGreetingsMs,
  pathsDefault,
  savedContactsMax,
} from "../constants.ts";
import type { Network } from "../lookup/network.ts";
import { findClosest } from "../lookup/search.ts";
import type { Random, Resolver, Timer } from "../ports.ts";
import { FanOut } from "../rpc/fan_out.ts";
import { ping } from "../rpc/methods/ping.ts";
import { NodeContact } from "../space/contact.ts";
import { commonPrefixBits, Id, withPrefix } from "../space/id.ts";
import { fillBucket } from "./filling.ts";

/** What {@link Bootstrap} is built from. */
export interface BootstrapOptions {
  readonly network: Network;
  readonly random: Random;
  readonly resolve: Resolver | undefined;
  /** See `NodeOptions.families`. */
  readonly families?: (() => readonly Family[]) | undefined;
  readonly onError: (error: unknown) => void;
  /** Contacts of an earlier run. */
  readonly saved: readonly NodeContact[];
}

/** The id of a bootstrap node is not known before it has answered. */
const unknownId = new Id(0, 0, 0, 0, 0);

/** Joins, as often as it is asked to. */
export class Bootstrap {
  readonly #options: BootstrapOptions;

  constructor(options: BootstrapOptions) {
    this.#options = options;
  }

  /**
   * Joins through any of `addresses` or a contact of an earlier run; whether any contact is alive.
   *
   * @param onNear Called when the neighbourhood is known, and before the far buckets are filled.
   */
  async join(
    addresses: readonly HostPort[],
    signal?: AbortSignal,
    onNear?: () => void,
  ): Promise<boolean> {
    const { network, saved, random } = this.#options;
    const { table, own } = network;
    const given = await this.#resolve(addresses);
    signal?.throwIfAborted();
    const contacts = [...given, ...neighbourhood(saved), ...this.#silent()];
    await this.#greet(contacts.filter((contact) => this.#reaches(contact)), signal);
    if (!table.mayBeAlive) return false;
    const sought = { target: own, paths: pathsDefault, isHurried: true };
    const nearest = await findClosest(network, sought, signal);
    onNear?.();
    // Of the buckets beyond that of the k-th closest all nodes are known.
    const last = nearest[table.k - 1];
    const count = last === undefined ? lookupsPerJoin : commonPrefixBits(own, last.nodeId) + 1;
    // From the far end, because buckets split while their contacts are being verified.
    for (let bucket = 0; bucket < Math.min(table.bucketCount, count); bucket++) {
      if (bucket >= lookupsPerJoin) {
        if (table.hasRoom(bucket)) await fillBucket(network, { bucket, random }, signal);
        continue;
      }
      const target = withPrefix(own, bucket, Id.random(random));
      await findClosest(network, { target, paths: 1 }, signal);
    }
    return table.mayBeAlive;
  }

  /** Contacts of this run, where none is alive: the own link may have been down, and be back. */
  #silent(): NodeContact[] {
    const { table, own } = this.#options.network;
    if (table.mayBeAlive) return [];
    return table.closest(own, savedContactsMax, undefined, true);
  }

  #reaches({ ip }: NodeContact): boolean {
    const { families } = this.#options;
    const isHere = unicastAddress(ip)?.kind === "loopback";
    return isHere || (families?.().includes(familyOf(ip)) ?? true);
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
      if (resolve === undefined) throw new Error("there is no resolver for names");
      const ips = (await resolve(host)).map((ip) => unicastAddress(ip)?.ip)
        .filter((ip) => ip !== undefined);
      return ips.slice(0, bootstrapAddressesMax).map((ip) => new NodeContact(unknownId, ip, port));
    } catch (error) {
      onError(new Error(`Cannot join through ${host}: it cannot be resolved`, { cause: error }));
      return [];
    }
  }

  /**
   * Pings all; goes on a moment after the first has answered, while the others may still come. A node
   * that knows one liar alone learns of liars alone: the first to answer shall not be the only one.
   */
  #greet(contacts: readonly NodeContact[], signal: AbortSignal | undefined): Promise<void> {
    const { rpc, own, operations, neighbours, scheduler } = this.#options.network;
    let wait: Timer | undefined;
    return operations.run<void>(signal, (done) => {
      const fanOut = new FanOut(rpc, {
        contacts,
        method: ping,
        args: { sender: own },
        tries: bootstrapTimeoutsMs.length,
        timeoutsMs: bootstrapTimeoutsMs,
        onAnswer: (contact, id) => {
          const isKnown = contact.nodeId !== unknownId;
          if (isKnown && !id.equals(contact.nodeId)) return false;
          neighbours.enter(isKnown ? contact : new NodeContact(id, contact.ip, contact.port));
          wait ??= scheduler.after(otherGreetingsMs, () => done());
          return true;
        },
        onDone: () => {
          wait?.cancel();
          done();
        },
      });
      fanOut.start();
      return () => {
        wait?.cancel();
        fanOut.stop();
      };
    });
  }
}

/** Those of the last run that are greeted: tables are saved from the far end, one family after the other. */
function neighbourhood(saved: readonly NodeContact[]): NodeContact[] {
  const ofFamily = Object.values(Object.groupBy(saved, ({ ip }) => familyOf(ip)));
  const each = Math.floor(savedContactsMax / Math.max(1, ofFamily.length));
  return ofFamily.flatMap((contacts) => contacts?.slice(-each) ?? []);
}
