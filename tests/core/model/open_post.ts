/**
 * Reading a post as a peer does that got it from another: schema and signature.
 *
 * @module
 */

import { type Post, readPost } from "../../../core/model/post.ts";
import { verifySigned } from "../../../core/model/signed.ts";
import { DecodeError } from "../../../lib/msgpack.ts";

/**
 * Decodes a post and checks schema and signature.
 *
 * @throws {DecodeError} if anything about it is not as it should be.
 */
export function openPost(bytes: Uint8Array): Post {
  const { post, signed } = readPost(bytes);
  if (!verifySigned("post", signed)) throw new DecodeError("signature does not verify");
  return post;
}
