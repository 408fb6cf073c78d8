/**
 * Answers the requests of others: one small handler a method.
 *
 * @module
 */
import { encode } from "../../../lib/msgpack.ts";
import type { Acceptance } from "../values/acceptance.ts";
import { isPort } from "../../../lib/ip_address.ts";
import { sampleBytesMax } from "../constants.ts";
import { NodeContact } from "../space/contact.ts";
import type { HeldValues } from "../values/stored_values.ts";
import type { Id } from "../space/id.ts";
import type { RateLimits } from "../rpc/rate_limits.ts";
import type { Address, Admission, Time } from "../ports.ts";
import type { Network } from "../lookup/search.ts";
import {
  decodeRequest,
  encodeContacts,
  encodeFound,
  encodePong,
  encodeSample,
  encodeStored,
  encodeStun,
  headerBytes,
  type WireValue,
} from "../rpc/wire.ts";

/** What a {@link Responder} is built from. */
export interface ResponderOptions<T> {
  readonly network: Network;
  readonly time: Time;
  readonly limits: RateLimits;
  readonly held: HeldValues;
  readonly acceptance: Acceptance<T>;
  readonly admission: Admission<T> | undefined;
  readonly sample: (() => unknown) | undefined;
}

/** Answers requests. */
export class Responder<T> {
  readonly #options: ResponderOptions<T>;

  constructor(options: ResponderOptions<T>) {
    this.#options = options;
  }

  /** Takes one datagram of kind request; what makes no sense stays unanswered. */
  handle(data: Uint8Array, from: Address, nowMs: number): void {
    const { network } = this.#options;
    const request = decodeRequest(data);
    if (request === undefined || !isPort(from.port)) {
      network.rpc.traffic.dropped++;
      return;
    }
    const { method, sender, target, value } = request;
    if (sender?.equals(network.own)) return;
    if (method === "ping") this.#reply(encodePong(data, network.own), from, nowMs);
    else if (method === "stun") this.#reply(encodeStun(data, from), from, nowMs);
    else if (method === "sample") this.#handleSample(data, from, nowMs);
    else if (sender !== undefined && target !== undefined) {
      if (method === "find_node") this.#handleFindNode(data, from, sender, target, nowMs);
      else if (method === "find_value") this.#handleFindValue(data, from, sender, target, nowMs);
      else if (value) this.#handleStore(data, from, sender, target, value, nowMs);
    }
    if (sender !== undefined) this.#meet(sender, from, nowMs);
  }

  #meet(sender: Id, from: Address, nowMs: number): void {
    const { table, neighbours } = this.#options.network;
    const entry = table.get(sender);
    if (entry !== undefined && entry.contact.ip === from.ip && entry.contact.port === from.port) {
      entry.seenMs = nowMs;
      return;
    }
    neighbours.meet(new NodeContact(sender, from.ip, from.port), false, nowMs);
  }

  #reply(response: Uint8Array, to: Address, nowMs: number): void {
    this.#options.network.rpc.respond(response, to, nowMs);
  }

  #handleFindNode(
    data: Uint8Array,
    from: Address,
    sender: Id,
    target: Id,
    nowMs: number,
  ): void {
    const { table, k } = this.#options.network;
    this.#reply(encodeContacts(data, table.closest(target, k, sender)), from, nowMs);
  }

  #handleFindValue(
    data: Uint8Array,
    from: Address,
    sender: Id,
    target: Id,
    nowMs: number,
  ): void {
    const { held, admission, time } = this.#options;
    const value = held.get(target, time.now());
    if (value === undefined) return this.#handleFindNode(data, from, sender, target, nowMs);
    const since = admission?.since?.(value.key, value.value);
    const sound = since !== undefined && Number.isSafeInteger(since) && since >= 0;
    this.#reply(encodeFound(data, value, sound ? since : undefined), from, nowMs);
  }

  #handleStore(
    data: Uint8Array,
    from: Address,
    sender: Id,
    key: Id,
    value: WireValue,
    nowMs: number,
  ): void {
    const { acceptance, network, limits } = this.#options;
    const contact = new NodeContact(sender, from.ip, from.port);
    const verifiedSender = network.neighbours.knows(contact) || limits.hasAnswered(from);
    const accepted = acceptance.offer({ key, value, from: contact, verifiedSender, own: false });
    if (typeof accepted === "boolean") {
      return this.#reply(encodeStored(data, accepted), from, nowMs);
    }
    // The datagram is gone by the time the promise settles, the head of its answer is not.
    const head = data.slice(0, headerBytes);
    const to = { ip: from.ip, port: from.port };
    accepted.then((yes) => this.#reply(encodeStored(head, yes), to, network.rpc.nowMs()));
  }

  #handleSample(data: Uint8Array, from: Address, nowMs: number): void {
    const { sample } = this.#options;
    // Python nodes leave an unknown method unanswered; so does a node that has nothing to sample.
    if (sample === undefined) return;
    const body = encode(sample());
    if (body.length > sampleBytesMax) {
      throw new RangeError(
        `Cannot answer sample: ${body.length} bytes are over the ${sampleBytesMax} of one packet`,
      );
    }
    this.#reply(encodeSample(data, body), from, nowMs);
  }
}
