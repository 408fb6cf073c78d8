/**
 * The one error of everything that decodes.
 *
 * @module
 */

/** Bytes that are not what they should be; the message says what was expected. */
export class DecodeError extends Error {
  /** Always `"DecodeError"`. */
  override readonly name = "DecodeError";
}
