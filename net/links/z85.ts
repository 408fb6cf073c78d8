/**
 * Z85 (ZeroMQ RFC 32), the text form in which zeromq takes CURVE keys.
 *
 * @module
 */

/** RFC 32, section "Formal Specification". */
const alphabet =
  "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/** Four bytes become five characters, base 85, most significant first. */
const groupBytes = 4;
const groupChars = 5;
const base = 85;

/**
 * Encodes bytes.
 *
 * @throws {RangeError} When their number is not a multiple of 4.
 */
export function z85Encode(bytes: Uint8Array): string {
  if (bytes.length % groupBytes !== 0) {
    throw new RangeError(`Cannot encode Z85: ${bytes.length} bytes are not a multiple of 4`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let start = 0; start < bytes.length; start += groupBytes) {
    let value = view.getUint32(start);
    let group = "";
    for (let i = 0; i < groupChars; i++) {
      group = alphabet.charAt(value % base) + group;
      value = Math.floor(value / base);
    }
    text += group;
  }
  return text;
}
