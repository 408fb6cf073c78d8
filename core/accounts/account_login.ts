/**
 * Logging in, on any machine (design, section 4).
 *
 * Where the key file is, no network is needed. Where there is a network, its sealed keys are looked
 * at too: if they are newer, the password was changed on another device, and the old one no longer
 * opens anything here either.
 *
 * @module
 */

import { CamelliaError } from "../model/errors.ts";
import { equalBytes } from "../model/bytes.ts";
import type { Identity } from "../model/identity.ts";
import { recordOf, type SignedRecord } from "../model/record.ts";
import type { Namespace, PrivateBody } from "../model/record_body.ts";
import { compareRecords } from "../model/record_policy.ts";
import { localKeys } from "./account_keys.ts";
import type { AccountContext, UnsealedAccount } from "./account_open.ts";
import type { Claimant } from "./account_register.ts";
import { within } from "../../lib/waiting.ts";
import { unsealIdentity } from "./seal.ts";

/** How long a login that has a key file waits for the network at most. */
const networkMsMax = 2_000;

/**
 * Unseals the keys of a user.
 *
 * @throws {CamelliaError} `wrong_password`, `unknown_user`, `not_joined` where keys that are not on
 * this disk cannot be looked for; the disk's errors.
 */
export async function loginAccount(
  context: AccountContext,
  claimant: Claimant,
  signal?: AbortSignal,
): Promise<UnsealedAccount> {
  const local = await localKeys(context.ports.keys, claimant.username);
  return local === undefined
    ? await loginFromNetwork(context, claimant, signal)
    : await loginFromFile(context, { claimant, local }, signal);
}

async function loginFromFile(
  context: AccountContext,
  { claimant, local }: { claimant: Claimant; local: SignedRecord<PrivateBody> },
  signal?: AbortSignal,
): Promise<UnsealedAccount> {
  const { ports } = context;
  const { username, password } = claimant;
  const namespaces = ["private", "public", "connections"] as const;
  const opening = unsealIdentity(local, password, ports.keys);
  const owner = { username, key: local.publicKey };
  const seen = await ownRecords(context, owner, namespaces, signal).catch((error: unknown) => {
    opening.then((identity) => identity?.wipe(), () => {});
    throw error;
  });
  const tried = await opening;
  const found = seen.find((record) => record.namespace === "private");
  const newer = found !== undefined && compareRecords(found, local) > 0;
  if (!newer) {
    if (tried === undefined) throw wrongPassword(username);
    return unsealed(tried, local, seen);
  }
  const sealed = recordOf(found, "private");
  // Renewed, the same sealed bytes open as before; after a change of password they are others.
  let identity: Identity | undefined;
  try {
    await ports.keys.write(username, sealed.value);
    identity = equalBytes(sealed.body.sealed, local.body.sealed)
      ? tried
      : await unsealIdentity(sealed, password, ports.keys);
  } finally {
    if (identity !== tried) tried?.wipe();
  }
  if (identity === undefined) throw wrongPassword(username);
  return unsealed(identity, sealed, seen);
}

async function loginFromNetwork(
  context: AccountContext,
  { username, password }: Claimant,
  signal?: AbortSignal,
): Promise<UnsealedAccount> {
  const { ports } = context;
  const { record, answered } = await ports.directory.get({ username, namespace: "public" }, signal);
  if (record === undefined) {
    const { joined } = ports.directory.status();
    throw joined || answered > 0 ? unknownUser(username) : notJoined(username);
  }
  const owner = { username, key: record.publicKey };
  const seen = await ownRecords(context, owner, ["private", "connections"], signal);
  const found = seen.find((one) => one.namespace === "private");
  if (found === undefined) throw keysNotFound(username);
  const sealed = recordOf(found, "private");
  const identity = await unsealIdentity(sealed, password, ports.keys);
  if (identity === undefined) throw wrongPassword(username);
  try {
    await ports.keys.write(username, sealed.value);
  } catch (error) {
    identity.wipe();
    throw error;
  }
  return unsealed(identity, sealed, [record, ...seen]);
}

/** Own records under a known key, as far as the network has them within the time. */
async function ownRecords(
  { ports }: AccountContext,
  owner: { readonly username: string; readonly key: Uint8Array },
  namespaces: readonly Namespace[],
  signal?: AbortSignal,
): Promise<SignedRecord[]> {
  const { username, key } = owner;
  const { clock, directory } = ports;
  if (!directory.status().joined) return [];
  const found = await Promise.all(namespaces.map(async (namespace) => {
    const answer = await within(
      { clock, ms: networkMsMax },
      (limit) => directory.get({ username, namespace, pin: key }, limit),
      signal,
    );
    return answer?.record;
  }));
  return found.filter((record, index): record is SignedRecord =>
    record !== undefined && record.username === username &&
    record.namespace === namespaces[index] && equalBytes(record.publicKey, key)
  );
}

function unsealed(
  identity: Identity,
  sealed: SignedRecord<PrivateBody>,
  records: readonly SignedRecord[],
): UnsealedAccount {
  const self = { username: sealed.username, key: identity.publicKey };
  return { self, identity, sealed, records };
}

function wrongPassword(username: string): CamelliaError {
  return new CamelliaError(
    "wrong_password",
    `Cannot log in as ${username}: the password is wrong, or it was changed on another device.`,
  );
}

function unknownUser(username: string): CamelliaError {
  return new CamelliaError(
    "unknown_user",
    `Cannot log in as ${username}: nobody has that name. Check the spelling, or register it.`,
  );
}

function keysNotFound(username: string): CamelliaError {
  return new CamelliaError(
    "unknown_user",
    `Cannot log in as ${username}: the network does not have the sealed keys of that user. ` +
      "Log in where the account was made, or import it from a file exported there.",
  );
}

function notJoined(username: string): CamelliaError {
  return new CamelliaError(
    "not_joined",
    `Cannot log in as ${username}: its keys are not in this data folder, and no other node has ` +
      "answered yet to ask for them.",
  );
}
