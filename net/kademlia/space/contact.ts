/**
 * Contacts: the paper's (IP address, UDP port, node id) triples.
 *
 * @module
 */
import { isPort, unicastAddress } from "../../../lib/ip_address.ts";
import { idBytes } from "../constants.ts";
import { Id } from "./id.ts";
import type { Contact } from "../ports.ts";

/** A contact with its id in words. Its address is canonical and can be sent to. */
export class NodeContact implements Contact {
  readonly nodeId: Id;
  readonly ip: string;
  readonly port: number;

  constructor(nodeId: Id, ip: string, port: number) {
    this.nodeId = nodeId;
    this.ip = ip;
    this.port = port;
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
