/**
 * Answers the requests of others: one small handler a method.
 *
 * @module
 */
import { type Endpoint, familyOf, isPort } from "../../../lib/ip_address.ts";
import { contactsWhenShort, headerBytes } from "../constants.ts";
import type { Network } from "../lookup/network.ts";
import type { Admission, DialBack, OfferRelay, Sender } from "../ports.ts";
import type { Contacts } from "../rpc/methods/find_node.ts";
import { mayAsk } from "../rpc/methods/method.ts";
import { type AnswerOf, type ArgumentsOf, type MethodName, methods } from "../rpc/methods/mod.ts";
import type { RateLimits } from "../rpc/rate_limits.ts";
import { decodeRequest, encodeAnswer } from "../rpc/wire.ts";
import { NodeContact } from "../space/contact.ts";
import type { Acceptance } from "../values/acceptance.ts";
import type { StoredValues } from "../values/stored_values.ts";

/** What a {@link Responder} is built from. */
export interface ResponderOptions<T> {
  readonly network: Network;
  readonly limits: RateLimits;
  readonly stored: StoredValues;
  readonly acceptance: Acceptance<T>;
  readonly admission: Admission<T> | undefined;
  /** What this node answers to `sample`. */
  readonly sample: (() => unknown) | undefined;
  /** Connects for those that ask. */
  readonly dialBack: DialBack | undefined;
  /** What this node answers to `relay`. */
  readonly relay: OfferRelay | undefined;
  readonly onError: (error: unknown) => void;
}

/** A handler: the answer or undefined for none, at once or later. */
type Handler<N extends MethodName> = (
  args: ArgumentsOf[N],
  from: Sender,
) => AnswerOf[N] | undefined | Promise<AnswerOf[N] | undefined>;

/** Whether an answer names more contacts than fit where bytes are short. */
function isLong<A>(answer: A): answer is A & Contacts {
  const { contacts }: Partial<Contacts> = answer ?? {};
  return contacts !== undefined && contacts.length > contactsWhenShort;
}

/** Answers requests. */
export class Responder<T> {
  readonly #options: ResponderOptions<T>;
  readonly #handlers: { readonly [N in MethodName]: Handler<N> };

  constructor(options: ResponderOptions<T>) {
    this.#options = options;
    this.#handlers = {
      ping: () => this.#options.network.own,
      stun: (_args, { ip, port }) => ({ ip, port }),
      find_node: (args, from) => this.#handleFindNode(args, from),
      find_value: (args, from) => this.#handleFindValue(args, from),
      store: (args, from) => this.#handleStore(args, from),
      // Python nodes leave an unknown method unanswered; so does a node that has nothing to sample.
      sample: () => this.#options.sample?.(),
      relay: (_args, from) => this.#options.relay?.(from),
      dial_back: ({ port }, { ip }) => this.#options.dialBack?.({ ip, port }),
      leave: ({ sender }, { ip, port }) => {
        this.#options.network.neighbours.left(NodeContact.of(sender, ip, port));
        return undefined;
      },
    };
  }

  /** Takes one datagram of kind request; what makes no sense stays unanswered. */
  handle(data: Uint8Array, from: Sender, nowMs: number): void {
    const { own, rpc, neighbours } = this.#options.network;
    const request = decodeRequest(data);
    if (request === undefined || !isPort(from.port)) {
      rpc.traffic.dropped++;
      return;
    }
    neighbours.acquaintances.heard(from, nowMs);
    const { name, args } = request;
    const { sender } = args;
    if (sender?.equals(own)) return;
    const contact = sender && NodeContact.of(sender, from.ip, from.port);
    if (mayAsk(methods[name].allowedFrom, () => this.#isVerified(from, contact))) {
      this.#answer(name, args, data, from, nowMs);
    }
    // No datagram gets to where a connection came from.
    if (contact !== undefined && !from.isProven && name !== "leave") this.#meet(contact, nowMs);
  }

  #answer<N extends MethodName>(
    name: N,
    args: ArgumentsOf[N],
    data: Uint8Array,
    from: Sender,
    nowMs: number,
  ): void {
    const { network: { rpc, own }, onError } = this.#options;
    const method = methods[name];
    const answer = this.#handlers[name](args, from);
    if (answer instanceof Promise) {
      // The datagram is gone by the time the promise settles, the head of its answer is not.
      const head = data.slice(0, headerBytes);
      const { length } = data;
      const to = { ...from };
      const respond = (late: AnswerOf[N] | undefined): void => {
        if (late !== undefined) {
          rpc.respond(encodeAnswer(head, method, late, own), to, length, rpc.nowMs());
        }
      };
      answer.then(respond).catch(onError);
    } else if (answer !== undefined) {
      const respond = (said: AnswerOf[N]): boolean =>
        rpc.respond(encodeAnswer(data, method, said, own), from, data.length, nowMs);
      // Strangers may have asked in its name: it still gets the nearest contacts, and its lookups go on.
      if (!respond(answer) && isLong(answer)) {
        respond({ ...answer, contacts: answer.contacts.slice(0, contactsWhenShort) });
      }
    }
  }

  /** Whether the asker is where it asks from: it came by a connection, or has answered there. */
  #isVerified(from: Sender, contact: NodeContact | undefined): boolean {
    if (from.isProven) return true;
    const { network, limits } = this.#options;
    return (contact && network.table.find(contact)) !== undefined || limits.hasAnswered(from);
  }

  #meet(contact: NodeContact, nowMs: number): void {
    const { table, neighbours } = this.#options.network;
    const entry = table.find(contact);
    if (entry === undefined) neighbours.meet(contact, false, nowMs);
    else entry.seenMs = nowMs;
  }

  /** Names contacts of the family that the asker asks by: others it may not reach (BEP 32). */
  #handleFindNode(
    { sender, target }: ArgumentsOf["find_node"],
    { ip }: Endpoint,
  ): AnswerOf["find_node"] {
    const { table, k } = this.#options.network;
    return { contacts: table.of(familyOf(ip)).closest(target, k, sender) };
  }

  #handleFindValue(args: ArgumentsOf["find_value"], from: Endpoint): AnswerOf["find_value"] {
    const { stored, admission, network } = this.#options;
    const entry = stored.get(args.target, network.time.now());
    if (entry === undefined) return this.#handleFindNode(args, from);
    const { value, scalar } = entry;
    const since = admission?.since?.(value);
    const isSound = since !== undefined && Number.isSafeInteger(since) && since >= 0;
    const found = isSound ? { value, scalar, since } : { value, scalar };
    return { found, contacts: [] };
  }

  #handleStore(
    { sender, target: key, value }: ArgumentsOf["store"],
    asker: Sender,
  ): boolean | Promise<boolean> {
    const from = NodeContact.of(sender, asker.ip, asker.port);
    const verifiedSender = this.#isVerified(asker, from);
    return this.#options.acceptance.offer({ key, value, from, verifiedSender, own: false });
  }
}
