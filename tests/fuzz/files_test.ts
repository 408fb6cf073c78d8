import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { CamelliaError } from "../../core/model/errors.ts";
import { DecodeError, encode } from "../../lib/msgpack.ts";
import { signRecord } from "../../core/model/record.ts";
import { openSigned } from "../../core/model/signed.ts";
import { readAccountFile, writeAccountFile } from "../../core/accounts/sealed_files.ts";
import { readPrivate } from "../../core/accounts/seal.ts";
import { parseConfig } from "../../ui/settings/config.ts";
import { fuzz } from "./harness.ts";
import { identityOf } from "../sim/users.ts";

const alice = identityOf("alice");
const derivation = { memoryKiB: 65_536, passes: 3, lanes: 4, salt: new Uint8Array(16) };

function keyFile(sealedBytes: number): Uint8Array {
  return signRecord({
    username: "alice",
    namespace: "private",
    sequence: Date.UTC(2026, 0, 1),
    expiresAt: Date.UTC(2027, 0, 1),
    body: { derivation, nonce: new Uint8Array(24), sealed: new Uint8Array(sealedBytes) },
  }, alice).value;
}

const keyFiles = [keyFile(51), keyFile(64)];
const isDecodeError = (error: unknown): boolean => error instanceof DecodeError;

Deno.test("Fuzz: nothing but DecodeError leaves the decoder of key files", () => {
  const options = { runs: 50_000, expected: isDecodeError };
  fuzz({ ...options, seed: 21, samples: keyFiles, decode: (input) => readPrivate(input, "alice") });
  // What is inside, each time signed anew: the reader checks the signature last.
  const signature = new Uint8Array(64);
  fuzz({
    ...options,
    seed: 22,
    samples: keyFiles.map((bytes) => openSigned(bytes, 8_000).payload),
    decode: (payload) => {
      try {
        readPrivate(encode([1, payload, alice.publicKey, signature]), "alice");
      } catch (error) {
        assert(error instanceof DecodeError, String(error));
      }
    },
  });
});

Deno.test("Fuzz: nothing but DecodeError leaves the decoder of exported accounts", () => {
  const samples = keyFiles.map(writeAccountFile);
  fuzz({ seed: 23, samples, decode: readAccountFile, expected: isDecodeError });
});

Deno.test("Fuzz: nothing but the error with the line leaves the reader of config.ini", async () => {
  const shipped = await readFile(new URL("../../config.ini", import.meta.url));
  const short = new TextEncoder().encode("[DEFAULT]\nPORT = 8000\n\n[NTP]\nSERVERS = none\n");
  const expected = (error: unknown): boolean =>
    error instanceof CamelliaError && error.code === "invalid_config";
  const decode = (input: Uint8Array): unknown => parseConfig(input, "config.ini");
  fuzz({ seed: 24, runs: 8_000, samples: [new Uint8Array(shipped)], decode, expected });
  fuzz({ seed: 25, runs: 40_000, samples: [short], decode, expected });
});
