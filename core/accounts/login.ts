/**
 * Logging in, on any machine (design, section 4).
 *
 * Where the key file is, no network is needed. Where there is a network, its sealed keys are looked
 * at too: if they are newer, the password was changed on another device, and the old one no longer
 * opens anything here either.
 *
 * @module
 */

import { whyAlone } from "../session/unknown_user.ts";
import type { Credentials } from "../api.ts";
import { CamelliaError, type ErrorCode } from "../model/errors.ts";
import type { Identity } from "../model/identity.ts";
import { isRecordOf, type SignedRecord } from "../model/record.ts";
import { isEmptied, isSameBody, type Namespace, type PrivateBody } from "../model/record_body.ts";
import { compareRecords } from "../model/record_policy.ts";
import type { UserRef } from "../model/user.ts";
import { within } from "../../lib/waiting.ts";
import { askNetwork } from "../session/ask_network.ts";
import { accountClosed } from "../session/closed.ts";
import type { AccountContext, UnsealedAccount } from "./open_account.ts";
import { unsealIdentity } from "./seal.ts";

/** How long a login that has a key file waits for the network at most. */
const networkMsMax = 2_000;

/**
 * Unseals the keys of a user.
 *
 * @param local The record in the key file, if there is one.
 * @throws {CamelliaError} `wrong_password`, `unknown_user`; `not_joined` or `no_answer` where keys that
 * are not on this disk cannot be looked for; the disk's errors.
 */
export async function loginAccount(
  context: AccountContext,
  { claimant, local }: {
    readonly claimant: Credentials;
    readonly local: SignedRecord<PrivateBody> | undefined;
  },
  signal?: AbortSignal,
): Promise<UnsealedAccount> {
  return local === undefined
    ? await loginFromNetwork(context, claimant, signal)
    : await loginFromFile(context, { claimant, local }, signal);
}

async function loginFromFile(
  { ports }: AccountContext,
  { claimant, local }: { claimant: Credentials; local: SignedRecord<PrivateBody> },
  signal?: AbortSignal,
): Promise<UnsealedAccount> {
  const { username, password } = claimant;
  const opening = unsealIdentity(local, password, ports.keys);
  const owner = { username, key: local.publicKey };
  const namespaces = ["private", "public", "connections"] as const;
  const records = await ownRecords(ports, { owner, namespaces }, signal)
    .catch((error: unknown) => wiped(opening, error));
  const tried = await opening;
  if (isClosed(records)) {
    tried?.wipe();
    throw accountClosed("log in as", username);
  }
  const sealed = records.find((record) => isRecordOf(record, owner, "private"));
  if (sealed === undefined || compareRecords(sealed, local) <= 0) {
    return unsealed(tried, { sealed: local, records });
  }
  // Renewed, the same sealed bytes open as before; after a change of password they are others.
  let identity: Identity | undefined;
  try {
    await ports.keys.write(username, sealed.value);
    identity = isSameBody("private", sealed.body, local.body)
      ? tried
      : await unsealIdentity(sealed, password, ports.keys);
  } finally {
    if (identity !== tried) tried?.wipe();
  }
  return unsealed(identity, { sealed, records });
}

async function loginFromNetwork(
  { ports }: AccountContext,
  { username, password }: Credentials,
  signal?: AbortSignal,
): Promise<UnsealedAccount> {
  const query = (namespace: "public" | "private") => ({ username, namespace });
  const [{ record, isAbsent }, unpinned] = await Promise.all([
    askNetwork(ports, query("public"), signal),
    askNetwork(ports, query("private"), signal),
  ]);
  if (record === undefined) {
    if (!isAbsent) throw unanswered(ports, username);
    throw refused(
      "unknown_user",
      username,
      "no user has that name. Check the spelling, or register it.",
    );
  }
  if (isClosed([record])) throw accountClosed("log in as", username);
  const owner = { username, key: record.publicKey };
  // The two may have been answered by different holders.
  const answer = isRecordOf(unpinned.record, owner, "private")
    ? unpinned
    : await askNetwork(ports, { ...query("private"), pin: owner.key }, signal);
  const sealed = answer.record;
  if (!isRecordOf(sealed, owner, "private")) {
    if (sealed === undefined && !answer.isAbsent) throw unanswered(ports, username);
    throw refused(
      "unknown_user",
      username,
      "the network does not have the sealed keys of that user. " +
        "Log in where the account was made, or import it from a file exported there.",
    );
  }
  const opening = unsealIdentity(sealed, password, ports.keys);
  const seen = await ownRecords(ports, { owner, namespaces: ["connections"] }, signal)
    .catch((error: unknown) => wiped(opening, error));
  const identity = await opening;
  const account = unsealed(identity, { sealed, records: [record, sealed, ...seen] });
  try {
    await ports.keys.write(username, sealed.value);
  } catch (error) {
    account.identity.wipe();
    throw error;
  }
  return account;
}

/** Throws the error; keys that are being unsealed meanwhile are wiped. */
function wiped(opening: Promise<Identity | undefined>, error: unknown): never {
  opening.then((identity) => identity?.wipe(), () => {});
  throw error;
}

/** The error where the network was asked for keys that are not on this disk, and did not answer. */
function unanswered({ directory }: AccountContext["ports"], username: string): CamelliaError {
  if (directory.status().joined) {
    return refused("no_answer", username, "the network did not answer. Try again in a moment.");
  }
  const { why, remedy } = whyAlone(directory);
  const message = `its keys are not in this data folder, and ${why}. ${remedy}.`;
  return refused("not_joined", username, message);
}

/** Whether the network says that the account was closed. */
export function isClosed(records: readonly SignedRecord[]): boolean {
  return records.some(({ body }) =>
    ("isClosed" in body && body.isClosed === true) || ("sealed" in body && isEmptied(body))
  );
}

/** Own records under a known key, as far as the network has them within the time. */
export async function ownRecords(
  { clock, directory }: AccountContext["ports"],
  { owner, namespaces }: { owner: UserRef; namespaces: readonly Namespace[] },
  signal?: AbortSignal,
): Promise<SignedRecord[]> {
  await directory.ready(signal);
  if (!directory.status().joined) return [];
  const { username, key: pin } = owner;
  const found = await Promise.all(namespaces.map(async (namespace) => {
    const answer = await within(
      { clock, ms: networkMsMax },
      (limit) => directory.get({ username, namespace, pin }, limit),
      signal,
    );
    return isRecordOf(answer?.record, owner, namespace) ? answer.record : undefined;
  }));
  return found.filter((record) => record !== undefined);
}

/** The account, unless the password did not open the keys. */
function unsealed(
  identity: Identity | undefined,
  account: Pick<UnsealedAccount, "sealed" | "records">,
): UnsealedAccount {
  if (identity !== undefined) return { identity, ...account };
  throw refused(
    "wrong_password",
    account.sealed.username,
    "the password is wrong, or it was changed on another device. No one can reset a password. If you " +
      `have the 24 recovery words: camellia account recover ${account.sealed.username}`,
  );
}

function refused(code: ErrorCode, username: string, why: string): CamelliaError {
  return new CamelliaError(code, `Cannot log in as ${username}: ${why}`);
}
