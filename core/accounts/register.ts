/**
 * Creating an account (design, section 4).
 *
 * The name is claimed by `public`: only once a majority of the nodes asked has accepted it, and a
 * read-back agrees, does the account exist. The key file is written before that, so that a crash in
 * between locks no user out of a name: registering again with the same password goes on from there.
 *
 * @module
 */

import { whyAlone } from "../session/unknown_user.ts";
import type { Registration } from "../api.ts";
import { CamelliaError } from "../model/errors.ts";
import { equalBytes } from "../model/bytes.ts";
import { freshNamesPerHour } from "../model/claims.ts";
import { Identity } from "../model/identity.ts";
import { type SignedRecord, signRecord } from "../model/record.ts";
import type { PrivateBody, PublicBody } from "../model/record_body.ts";
import { signFresh, withdrawalOf } from "../model/record_policy.ts";
import type { Ports, PutReport } from "../ports.ts";
import { abortable, delay, settledWithin } from "../../lib/waiting.ts";
import { askNetwork } from "../session/ask_network.ts";
import { readKeyFile } from "./sealed_files.ts";
import type { AccountContext, UnsealedAccount } from "./open_account.ts";
import { prepareSeal, sealIdentity, unsealIdentity } from "./seal.ts";

/** How often a claim, or sealed keys, are put that too few holders accept, and how long it waits in between. */
const claimTries = 3;
const claimAgainMs = 1_000;

/** A busy machine may miss the answers to its first attempt to join: the next ones come 2 and 4 s later. */
const joinWaitMs = 5_000;

/** The keys of an account to be. */
interface Draft {
  readonly identity: Identity;
  readonly sealed: SignedRecord<PrivateBody>;
  /** Whether the key file was made now, and goes if nothing comes of it. */
  readonly isFresh: boolean;
}

/**
 * Asserts that there is a network to register in, or that this is its first node.
 *
 * @throws {CamelliaError} `not_joined`.
 */
export function assertNetwork({ ports, settings }: AccountContext, username: string): void {
  if (ports.directory.status().joined || settings.firstNode) return;
  const { why, remedy } = whyAlone(ports.directory);
  throw new CamelliaError(
    "not_joined",
    `Cannot register ${username}: ${why}. ${remedy}, or use --init if this is to be the ` +
      "network's first node.",
  );
}

/**
 * Registers: resolves once the account exists on the network.
 *
 * @throws {CamelliaError} `not_joined`, `weak_password`, `name_taken`, `too_few_holders`,
 * `wrong_password` where an interrupted registration used another one; the disk's errors.
 */
export async function registerAccount(
  context: AccountContext,
  claimant: Registration,
  signal?: AbortSignal,
): Promise<UnsealedAccount> {
  const { ports } = context;
  const { username } = claimant;
  const draft = await prepare(context, claimant, signal);
  const { identity, sealed, isFresh } = draft;
  let claim: SignedRecord<PublicBody> | undefined;
  try {
    signal?.throwIfAborted();
    await ports.keys.write(username, sealed.value);
    // From here on an abort leaves the key file: holders may have taken the claim already.
    claim = signClaim(username, Math.floor(ports.clock.now()), identity);
    await publish(context, { sealed, claim }, signal);
    return { identity, sealed, records: [claim], isNew: isFresh };
  } catch (error) {
    const isFailure = claim === undefined || error instanceof CamelliaError;
    try {
      if (isFresh && isFailure) {
        if (claim !== undefined) await takeBack(context, claim, identity);
        await ports.keys.remove(username);
      }
    } finally {
      identity.wipe();
    }
    throw error;
  }
}

/**
 * Derives the key, and loads what judges the password, while the node joins; then asks for the name and judges
 * the password at the same time.
 */
async function prepare(
  context: AccountContext,
  claimant: Registration,
  signal?: AbortSignal,
): Promise<Draft> {
  const { ports, settings, passwordJudge } = context;
  const { username, password, localKeys = false } = claimant;
  const earlier = await readKeyFile(ports.keys, username);
  if (earlier !== undefined) return await resume(context, { claimant, sealed: earlier }, signal);
  const seal = prepareSeal(password, settings.derivation, ports);
  // Where that fails, so does the judgement.
  passwordJudge.prepare().catch(() => {});
  try {
    await assertJoined(context, username, signal);
    const asked = assertNameFree(ports, username, signal);
    asked.catch(() => {}); // Awaited below, unless the password is refused before.
    await passwordJudge.judge(password, [username], settings.publishPrivate && !localKeys);
    await asked;
  } catch (error) {
    seal.key.then((key) => key.fill(0), () => {});
    throw error;
  }
  const seed = ports.random.bytes(32);
  const identity = new Identity(seed);
  seed.fill(0);
  try {
    const body = await sealIdentity({ username, identity, isLocal: localKeys }, seal, ports);
    const now = Math.floor(ports.clock.now());
    const content = { username, namespace: "private", sequence: now, body } as const;
    return { identity, sealed: signFresh(content, now, identity), isFresh: true };
  } catch (error) {
    identity.wipe();
    throw error;
  }
}

/** Asserts that there is a network to register in, as soon as that can be told. */
async function assertJoined(
  context: AccountContext,
  username: string,
  signal?: AbortSignal,
): Promise<void> {
  await context.ports.directory.ready(signal);
  if (!context.settings.firstNode) await joined(context.ports, signal);
  assertNetwork(context, username);
}

/** Waits for further attempts to join, where the first one has failed. */
async function joined({ directory, clock }: Ports, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = directory.onChange((status) => {
    if (status.joined) resolve();
  });
  try {
    if (!directory.status().joined) {
      await abortable(settledWithin(clock, promise, joinWaitMs), signal);
    }
  } finally {
    stop();
  }
}

/** There is a key file: it is that of an interrupted registration, or that of an account. */
async function resume(
  context: AccountContext,
  { claimant, sealed }: { claimant: Registration; sealed: SignedRecord<PrivateBody> },
  signal?: AbortSignal,
): Promise<Draft> {
  const { username, password } = claimant;
  await assertJoined(context, username, signal);
  await assertNameFree(context.ports, username, signal);
  const identity = await unsealIdentity(sealed, password, context.ports.keys);
  if (identity !== undefined) return { identity, sealed, isFresh: false };
  throw new CamelliaError(
    "wrong_password",
    `Cannot register ${username}: a registration begun here used another password. ` +
      "Use that one to complete it.",
  );
}

function signClaim(username: string, now: number, identity: Identity): SignedRecord<PublicBody> {
  const counts = { posts: 0, followers: 0, following: 0 };
  const body = { since: now, ...counts, heads: [], generation: 0, pages: 0 };
  return signFresh({ username, namespace: "public", sequence: now, body }, now, identity);
}

/** Claims the name, then stores the sealed keys while the claim is read back. */
async function publish(
  { ports, settings }: AccountContext,
  { sealed, claim }: { sealed: SignedRecord<PrivateBody>; claim: SignedRecord<PublicBody> },
  signal?: AbortSignal,
): Promise<void> {
  const { username } = claim;
  const report = await claimName(ports, claim, signal);
  const [{ record }] = await Promise.all([
    askNetwork(ports, { username, namespace: "public" }, signal),
    settings.publishPrivate && !sealed.body.isLocal
      ? storeByMost(ports, sealed, signal)
      : undefined,
  ]);
  if (record === undefined) throw tooFewHolders(username, report);
  if (!equalBytes(record.publicKey, claim.publicKey)) throw nameTaken(username);
}

/**
 * Stores the claim until a majority has it. Nodes that did not answer are left out of the next put if
 * they are gone, and may answer it if they were busy: where the name is no other user's, it is put again.
 */
async function claimName(
  { clock, directory }: AccountContext["ports"],
  claim: SignedRecord<PublicBody>,
  signal?: AbortSignal,
): Promise<PutReport> {
  const { username } = claim;
  for (let tried = 1;; tried++) {
    const report = await directory.put(claim, signal);
    if (isByMost(report, tried)) return report;
    const { record } = await askNetwork(
      { clock, directory },
      { username, namespace: "public" },
      signal,
    );
    if (record !== undefined && !equalBytes(record.publicKey, claim.publicKey)) {
      throw nameTaken(username);
    }
    if (tried === claimTries) throw tooFewHolders(username, report);
    await delay(clock, claimAgainMs, signal);
  }
}

/**
 * Stores a record of an account that exists until a majority has it; whether it has. An account whose sealed
 * keys are on too few nodes is one all the same: the upkeep of the records brings them there.
 */
export async function storeByMost(
  { clock, directory }: AccountContext["ports"],
  record: SignedRecord,
  signal?: AbortSignal,
): Promise<boolean> {
  for (let tried = 1;; tried++) {
    if (isByMost(await directory.put(record, signal), tried)) return true;
    if (tried === claimTries) return false;
    await delay(clock, claimAgainMs, signal);
  }
}

/**
 * Whether most nodes accepted, the own one aside, which may be at home where no other node finds it. Nodes
 * that were silent count at first, and not at the last try: by then they are likely to be gone.
 */
function isByMost({ accepted, asked, missed = 0, own = false }: PutReport, tried: number): boolean {
  const others = asked - Number(own);
  if (others === 0) return missed === 0 && own;
  return 2 * (accepted - Number(own)) > others + (tried < claimTries ? missed : 0);
}

/**
 * Has the holders that accepted the claim forget it: they would keep the name for a key that is about
 * to be gone, and a second registration would find it taken.
 */
async function takeBack(
  { ports }: AccountContext,
  claim: SignedRecord<PublicBody>,
  identity: Identity,
): Promise<void> {
  const withdrawal = withdrawalOf(claim, Math.floor(ports.clock.now()));
  await ports.directory.put(signRecord(withdrawal, identity));
}

/**
 * Asks the network for a name. Its silence refuses no name: the holders decide when it is claimed.
 *
 * @throws {CamelliaError} `name_taken` if a user has it.
 */
export async function assertNameFree(
  ports: Pick<Ports, "clock" | "directory">,
  username: string,
  signal?: AbortSignal,
): Promise<void> {
  const { record } = await askNetwork(ports, { username, namespace: "public" }, signal);
  if (record !== undefined) throw nameTaken(username);
}

function nameTaken(username: string): CamelliaError {
  return new CamelliaError(
    "name_taken",
    `Cannot register ${username}: the name is taken. If it is yours, log in; otherwise choose another.`,
  );
}

/**
 * The error where too few nodes took a name that no user has. A node does not say why it refuses; most that
 * refuse a fresh name do so because of {@linkcode freshNamesPerHour}.
 */
function tooFewHolders(
  username: string,
  { accepted, refused, asked, own = false }: PutReport,
): CamelliaError {
  const limits = freshNamesPerHour;
  const why = 2 * refused > asked - Number(own)
    ? `${refused} of ${asked} nodes refused the name, although no user has it. A node takes at most ` +
      `${limits["4/24"]} new names an hour from one network (IPv4 /24, IPv6 /56), ${
        limits["4/16"]
      } ` +
      `from a /16 or /48 and ${limits["6/32"]} from an IPv6 /32: most likely that many were ` +
      "registered from yours. Try again in an hour, or from another network."
    : `${accepted} of ${asked} nodes accepted the name, and more than half must. ` +
      "Try again in a moment.";
  return new CamelliaError("too_few_holders", `Cannot register ${username}: ${why}`);
}
