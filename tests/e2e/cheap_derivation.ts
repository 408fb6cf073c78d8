/**
 * Makes Argon2id cheap in the process that loads this, for tests that are not about it: at full cost a key takes a
 * quarter of a second of a processor, and a network of peers derives dozens.
 *
 * Keys are as distinct as real ones, and only they differ: what was sealed under one kind does not open under the other.
 */

const { deriveBits } = crypto.subtle;

interface Argon2id extends Algorithm {
  readonly nonce: Uint8Array;
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

function isArgon2id(algorithm: AlgorithmIdentifier): algorithm is Argon2id {
  return typeof algorithm === "object" && algorithm.name === "Argon2id";
}

crypto.subtle.deriveBits = (algorithm, ...rest) => {
  if (!isArgon2id(algorithm)) return deriveBits.call(crypto.subtle, algorithm, ...rest);
  const { nonce, memory, passes, parallelism } = algorithm;
  const asked = new Uint8Array(Uint32Array.of(memory, passes).buffer);
  const cheap = {
    ...algorithm,
    nonce: Uint8Array.from([...nonce, ...asked]),
    // The least that there is (RFC 9106, section 3.1).
    memory: 8 * parallelism,
    passes: 1,
  };
  return deriveBits.call(crypto.subtle, cheap, ...rest);
};
