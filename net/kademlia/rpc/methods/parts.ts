/**
 * What several methods write and read: ids, contacts, values.
 *
 * @module
 */
import { isPort, unicastAddress } from "../../../../lib/ip_address.ts";
import type { Reader } from "../../../../lib/msgpack_reader.ts";
import type { Writer } from "../../../../lib/msgpack_writer.ts";
import { contactsPerAnswerMax, idBytes, ipCharsMax, valueBytesMax } from "../../constants.ts";
import { NodeContact } from "../../space/contact.ts";
import { Id } from "../../space/id.ts";

/** A value on the wire. */
export interface WireValue {
  /** The content of a `bin`; of a scalar the whole encoding. */
  readonly value: Uint8Array;
  /** Whether it is a string, number, boolean or nil. */
  readonly scalar?: boolean;
}

const zero = new Id(0, 0, 0, 0, 0);

/** Writes the 20 bytes of an id. */
export function writeId(w: Writer, id: Id): void {
  w.byte(0xc4);
  w.byte(idBytes);
  id.write(w.bytes, w.at);
  w.at += idBytes;
}

/** Reads an id. */
export function readId(r: Reader): Id {
  const at = r.fixedBin(idBytes);
  return r.failed ? zero : Id.from(r.bytes, at);
}

/** Writes a value. */
export function writeValue(w: Writer, { value, scalar }: WireValue): void {
  if (scalar) w.raw(value);
  else w.bin(value);
}

/** Reads a value, which is a view of the datagram: the caller copies what it keeps. */
export function readValue(r: Reader): WireValue {
  if (r.peek() === "bin") return { value: r.bin(valueBytesMax), scalar: false };
  return { value: r.scalar(valueBytesMax), scalar: true };
}

/** Writes a list of contacts. */
export function writeContacts(w: Writer, contacts: readonly NodeContact[]): void {
  w.array(contacts.length);
  for (const { nodeId, ip, port } of contacts) {
    w.array(3);
    writeId(w, nodeId);
    w.string(ip);
    w.integer(port);
  }
}

/**
 * Reads a list of contacts. Those to which nothing can be sent are left out; a list of another shape, or
 * one longer than any honest node sends, is none.
 */
export function readContacts(r: Reader): NodeContact[] {
  const contacts: NodeContact[] = [];
  for (let n = r.array(contactsPerAnswerMax); n > 0 && !r.failed; n--) {
    if (r.array(3) !== 3) r.fail();
    const id = readId(r);
    const ip = unicastAddress(r.string(ipCharsMax))?.ip;
    const port = r.uint();
    if (ip !== undefined && isPort(port)) contacts.push(new NodeContact(id, ip, port));
  }
  return contacts;
}
