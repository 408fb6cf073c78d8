/**
 * Opening an account with its recovery words where the password is lost (design, section 4).
 *
 * The words are the identity's seed, so nothing has to be unsealed. The keys are sealed under a new
 * password, with a higher number than any sealed keys that are seen: these take the place of the old
 * ones in the data folder and, unless they are to stay there, on the network.
 *
 * @module
 */

import type { Recovery } from "../api.ts";
import { equalBytes } from "../model/bytes.ts";
import { CamelliaError, type ErrorCode } from "../model/errors.ts";
import { Identity } from "../model/identity.ts";
import { isRecordOf, type SignedRecord } from "../model/record.ts";
import type { PrivateBody } from "../model/record_body.ts";
import { signFresh } from "../model/record_policy.ts";
import { seedOfWords } from "../model/recovery_words.ts";
import type { UserRef } from "../model/user.ts";
import { askNetwork } from "../session/ask_network.ts";
import { accountClosed } from "../session/closed.ts";
import { isClosed, ownRecords } from "./login.ts";
import type { AccountContext, UnsealedAccount } from "./open_account.ts";
import { storeByMost } from "./register.ts";
import { prepareSeal, sealIdentity } from "./seal.ts";
import { readKeyFile } from "./sealed_files.ts";

/** What is known of an account before its keys are sealed anew. */
interface Found {
  /** Its sealed keys in the data folder and on the network, as far as there are any. */
  readonly sealed: readonly SignedRecord<PrivateBody>[];
  /** Whether the keys are to stay in the data folder. */
  readonly isLocal: boolean;
  /** Its other records. */
  readonly records: readonly SignedRecord[];
}

/**
 * Seals the keys that the words spell under the new password.
 *
 * @throws {CamelliaError} `wrong_words` if they spell no keys, or another account's; `weak_password`;
 * `unknown_user`; `not_joined` or `no_answer` where an account that is not on this disk cannot be
 * looked for; the disk's errors.
 */
export async function recoverAccount(
  context: AccountContext,
  { username, words, password }: Recovery,
  signal?: AbortSignal,
): Promise<UnsealedAccount> {
  const { ports, settings, passwordJudge } = context;
  const seed = await seedOfWords(words);
  const identity = new Identity(seed);
  seed.fill(0);
  try {
    const owner = { username, key: identity.publicKey };
    const { sealed: earlier, isLocal, records } = await find(context, owner, signal);
    const isPublished = settings.publishPrivate && !isLocal;
    await passwordJudge.judge(password, [username], isPublished);
    const seal = prepareSeal(password, settings.derivation, ports);
    const body = await sealIdentity({ username, identity, isLocal }, seal, ports);
    signal?.throwIfAborted();
    const now = Math.floor(ports.clock.now());
    const sequence = Math.max(now, ...earlier.map((record) => record.sequence + 1));
    const content = { username, namespace: "private", sequence, body } as const;
    const sealed = signFresh(content, now, identity);
    await ports.keys.write(username, sealed.value);
    if (isPublished) await publish(context, sealed, signal);
    return { identity, sealed, records };
  } catch (error) {
    identity.wipe();
    throw error;
  }
}

/** Finds the account that these keys own, in the data folder or on the network. */
async function find(
  { ports }: AccountContext,
  owner: UserRef,
  signal?: AbortSignal,
): Promise<Found> {
  const { username, key } = owner;
  const local = await readKeyFile(ports.keys, username);
  if (local !== undefined) {
    if (!equalBytes(local.publicKey, key)) throw otherAccount(username, "in this data folder");
    const namespaces = ["private", "public", "connections"] as const;
    const records = await ownRecords(ports, { owner, namespaces }, signal);
    if (isClosed(records)) throw accountClosed("recover", username);
    const there = records.find((record) => isRecordOf(record, owner, "private"));
    const sealed = there === undefined ? [local] : [local, there];
    return { sealed, isLocal: local.body.isLocal === true, records: withoutSealed(records) };
  }
  const { record, isAbsent } = await askNetwork(ports, { username, namespace: "public" }, signal);
  if (record === undefined) throw notFound(ports, username, isAbsent);
  if (!equalBytes(record.publicKey, key)) throw otherAccount(username, "on the network");
  if (isClosed([record])) throw accountClosed("recover", username);
  const [answer, seen] = await Promise.all([
    askNetwork(ports, { username, namespace: "private", pin: key }, signal),
    ownRecords(ports, { owner, namespaces: ["connections"] }, signal),
  ]);
  const there = isRecordOf(answer.record, owner, "private") ? answer.record : undefined;
  // Silence tells neither whether there are sealed keys nor which number they have.
  if (there === undefined && !answer.isAbsent) throw notFound(ports, username, false);
  // Keys that no holder has are those of an account whose keys stay in a data folder.
  return {
    sealed: there === undefined ? [] : [there],
    isLocal: there === undefined,
    records: [record, ...seen],
  };
}

/** Of the sealed keys those that are made now count. */
function withoutSealed(records: readonly SignedRecord[]): SignedRecord[] {
  return records.filter(({ namespace }) => namespace !== "private");
}

/** Without most holders the old password still opens the account elsewhere, until a later renewal. */
async function publish(
  { ports, emit }: AccountContext,
  sealed: SignedRecord<PrivateBody>,
  signal?: AbortSignal,
): Promise<void> {
  if (await storeByMost(ports, sealed, signal)) return;
  const message = `The new password of ${sealed.username} is in force here, but not yet on the ` +
    "network: too few other nodes took the sealed keys. They are offered again while you are logged in.";
  emit({ event: "warning", code: "too_few_holders", message });
}

function otherAccount(username: string, where: string): CamelliaError {
  return refused(
    "wrong_words",
    username,
    `these are the words of another account: ${username} ${where} has another key.`,
  );
}

function notFound(
  { directory }: AccountContext["ports"],
  username: string,
  isAbsent: boolean,
): CamelliaError {
  if (isAbsent) {
    return refused("unknown_user", username, "no user has that name. Check the spelling.");
  }
  return directory.status().joined
    ? refused("no_answer", username, "the network did not answer. Try again in a moment.")
    : refused(
      "not_joined",
      username,
      "its keys are not in this data folder, and no other node has answered yet to ask for them.",
    );
}

function refused(code: ErrorCode, username: string, why: string): CamelliaError {
  return new CamelliaError(code, `Cannot recover ${username}: ${why}`);
}
