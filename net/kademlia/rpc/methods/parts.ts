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
import { Id, wordAt } from "../../space/id.ts";

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

/** The first byte of an array of three elements in MessagePack. */
const arrayOfThree = 0x93;

/** Writes a list of contacts. */
export function writeContacts(w: Writer, contacts: readonly NodeContact[]): void {
  w.array(contacts.length);
  for (const { nodeId, ip, port } of contacts) {
    w.byte(arrayOfThree);
    writeId(w, nodeId);
    w.string(ip);
    w.integer(port);
  }
}

/** What a contact begins with: an array of three, and an id. */
const head = [arrayOfThree, 0xc4, idBytes];
/** Longest text whose length is in its first byte. */
const shortText = 31;

/**
 * Reads a list of contacts. Those to which nothing can be sent are left out; a list of another shape, or
 * one longer than any honest node sends, is none.
 */
export function readContacts(r: Reader): NodeContact[] {
  const contacts: NodeContact[] = [];
  for (let n = r.array(contactsPerAnswerMax); n > 0 && !r.failed; n--) {
    const known = NodeContact.lately(wordAt(r.bytes, r.at + head.length));
    const contact = known !== undefined && isNext(r, known) ? known : readContact(r);
    if (contact !== undefined) contacts.push(contact);
  }
  return contacts;
}

function readContact(r: Reader): NodeContact | undefined {
  if (r.array(3) !== 3) r.fail();
  const id = readId(r);
  const ip = unicastAddress(r.string(ipCharsMax))?.ip;
  const port = r.uint();
  return ip !== undefined && isPort(port) ? NodeContact.of(id, ip, port) : undefined;
}

/** Takes the next bytes if they are this contact, in the form in which most nodes write it. */
function isNext(r: Reader, { nodeId, ip, port }: NodeContact): boolean {
  const { bytes } = r;
  let at = r.at;
  for (const byte of head) if (bytes[at++] !== byte) return false;
  if (ip.length > shortText || !nodeId.isAt(bytes, at)) return false;
  at += idBytes;
  if (bytes[at++] !== (0xa0 | ip.length)) return false;
  for (let i = 0; i < ip.length; i++) if (bytes[at++] !== ip.charCodeAt(i)) return false;
  const isPort = bytes[at] === 0xcd && bytes[at + 1] === port >> 8 &&
    bytes[at + 2] === (port & 0xff);
  if (!isPort) return false;
  r.pass(at + 3 - r.at);
  return true;
}
