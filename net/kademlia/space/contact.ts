/**
 * Contacts: the paper's (IP address, UDP port, node id) triples.
 *
 * @module
 */
import {
  type Family,
  familyOf,
  type IpKind,
  isPort,
  unicastAddress,
} from "../../../lib/ip_address.ts";
import { idBytes } from "../constants.ts";
import { Id } from "./id.ts";
import type { Contact } from "../ports.ts";

/**
 * Contacts made lately, by the last bits of the first word of their ids: requests and answers name the same
 * nodes again and again. A power of two; each takes some 200 bytes.
 */
const latelyMax = 2_048;
const lately: (NodeContact | undefined)[] = new Array(latelyMax).fill(undefined);

/** A contact with its id in words. Its address is canonical and can be sent to. */
export class NodeContact implements Contact {
  readonly nodeId: Id;
  readonly ip: string;
  readonly port: number;
  /** The family of its address. */
  readonly family: Family;
  #kind: IpKind | undefined;

  constructor(nodeId: Id, ip: string, port: number) {
    this.nodeId = nodeId;
    this.ip = ip;
    this.port = port;
    this.family = familyOf(ip);
  }

  /** What its address is for; undefined where that is no single machine. */
  get kind(): IpKind | undefined {
    return this.#kind ??= unicastAddress(this.ip)?.kind;
  }

  /** The contact of these three parts: the same object where it was made lately. */
  static of(nodeId: Id, ip: string, port: number): NodeContact {
    const known = NodeContact.lately(nodeId.w0);
    const isKnown = known?.port === port && known.ip === ip && known.nodeId.equals(nodeId);
    return isKnown
      ? known
      : (lately[nodeId.w0 & (latelyMax - 1)] = new NodeContact(nodeId, ip, port));
  }

  /** A contact made lately, perhaps the one whose id begins with this word. */
  static lately(word: number): NodeContact | undefined {
    return lately[word & (latelyMax - 1)];
  }

  /**
   * The contact with a canonical address, or undefined if nothing can be sent there (a host name, port
   * 0, a multicast address) or its id has not 20 bytes.
   */
  static parse(contact: Contact): NodeContact | undefined {
    if (!(contact.id instanceof Uint8Array) || contact.id.length !== idBytes) return undefined;
    const info = unicastAddress(contact.ip);
    if (info === undefined || !isPort(contact.port)) return undefined;
    return new NodeContact(Id.from(contact.id), info.ip, contact.port);
  }

  /** The 20 bytes, a fresh copy. */
  get id(): Uint8Array {
    return this.nodeId.toBytes();
  }

  /** The same id at the same address. */
  equals(other: NodeContact): boolean {
    return this.port === other.port && this.ip === other.ip && this.nodeId.equals(other.nodeId);
  }
}
