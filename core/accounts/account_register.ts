/**
 * Creating an account (design, section 4).
 *
 * The name is claimed by `public`: only once a majority of the nodes asked has accepted it, and a
 * read-back agrees, does the account exist. The key file is written before that, so that a crash in
 * between locks nobody out of a name: registering again with the same password goes on from there.
 *
 * @module
 */

import { CamelliaError } from "../model/errors.ts";
import { equalBytes } from "../model/bytes.ts";
import { Identity } from "../model/identity.ts";
import { type SignedRecord, signRecord } from "../model/record.ts";
import type { PrivateBody, PublicBody } from "../model/record_body.ts";
import { expiryFor, withdrawalOf } from "../model/record_policy.ts";
import type { Directory, PutReport } from "../ports.ts";
import type { AccountContext, UnsealedAccount } from "./account_open.ts";
import { localKeys } from "./account_keys.ts";
import { delay } from "../../lib/waiting.ts";
import { judgePassword } from "./password_strength.ts";
import { prepareSeal, sealIdentity, unsealIdentity } from "./seal.ts";

/** How often a claim is put that too few holders accept, and how long it waits in between. */
const claimTries = 3;
const claimAgainMs = 1_000;

/** A name and a password, the name parsed. */
export interface Claimant {
  /** Username. */
  readonly username: string;
  /** Password. */
  readonly password: string;
}

/** The keys of an account to be. */
interface Draft {
  readonly identity: Identity;
  readonly sealed: SignedRecord<PrivateBody>;
  /** Whether the key file was made now, and goes if nothing comes of it. */
  readonly isFresh: boolean;
}

/**
 * Registers: resolves once the account exists on the network.
 *
 * @throws {CamelliaError} `not_joined`, `weak_password`, `name_taken`, `too_few_holders`,
 * `wrong_password` where an interrupted registration used another one; the disk's errors.
 */
export async function registerAccount(
  context: AccountContext,
  claimant: Claimant,
  signal?: AbortSignal,
): Promise<UnsealedAccount> {
  assertJoined(context, claimant.username);
  const draft = await prepare(context, claimant, signal);
  let claim: SignedRecord<PublicBody> | undefined;
  try {
    signal?.throwIfAborted();
    await context.ports.keys.write(claimant.username, draft.sealed.value);
    // From here on an abort leaves the key file: holders may have taken the claim already.
    claim = signRecord(claimOf(context, claimant.username), draft.identity);
    await publish(context, { draft, claim }, signal);
    const { username } = claimant;
    const self = { username, key: draft.identity.publicKey };
    return {
      self,
      identity: draft.identity,
      sealed: draft.sealed,
      records: [claim],
      isNew: draft.isFresh,
    };
  } catch (error) {
    const isFailure = claim === undefined || error instanceof CamelliaError;
    try {
      if (draft.isFresh && isFailure) {
        if (claim !== undefined) await takeBack(context, claim, draft.identity);
        await context.ports.keys.remove(claimant.username);
      }
    } finally {
      draft.identity.wipe();
    }
    throw error;
  }
}

function assertJoined({ ports, settings }: AccountContext, username: string): void {
  if (ports.directory.status().joined || settings.firstNode) return;
  throw new CamelliaError(
    "not_joined",
    `Cannot register ${username}: no other node has answered yet. ` +
      "Check the bootstrap nodes, or use --init if this is to be the network's first node.",
  );
}

/** Asks for the name, judges the password, and seals fresh keys, all at the same time. */
async function prepare(
  context: AccountContext,
  claimant: Claimant,
  signal?: AbortSignal,
): Promise<Draft> {
  const { ports, settings } = context;
  const { username, password } = claimant;
  const earlier = await localKeys(ports.keys, username);
  if (earlier !== undefined) return await resume(context, claimant, earlier, signal);
  const seal = prepareSeal(password, settings.derivation, ports);
  const asked = assertNameFree(ports.directory, username, signal);
  asked.catch(() => {}); // Heard of below, unless the password is refused before.
  try {
    await judgePassword(password, [username]);
    await asked;
  } catch (error) {
    seal.key.then((key) => key.fill(0), () => {});
    throw error;
  }
  const identity = newIdentity(context);
  try {
    const body = await sealIdentity({ username, identity }, seal, ports);
    const now = Math.floor(ports.clock.now());
    const sealed = signRecord({
      username,
      namespace: "private",
      sequence: now,
      expiresAt: expiryFor("private", now),
      body,
    }, identity);
    return { identity, sealed, isFresh: true };
  } catch (error) {
    identity.wipe();
    throw error;
  }
}

/** There is a key file: it is that of an interrupted registration, or that of an account. */
async function resume(
  { ports }: AccountContext,
  { username, password }: Claimant,
  sealed: SignedRecord<PrivateBody>,
  signal?: AbortSignal,
): Promise<Draft> {
  await assertNameFree(ports.directory, username, signal);
  const identity = await unsealIdentity(sealed, password, ports.keys);
  if (identity !== undefined) return { identity, sealed, isFresh: false };
  throw new CamelliaError(
    "wrong_password",
    `Cannot register ${username}: a registration begun here used another password. ` +
      "Use that one to complete it.",
  );
}

function newIdentity({ ports }: AccountContext): Identity {
  const seed = ports.random.bytes(32);
  const identity = new Identity(seed);
  seed.fill(0);
  return identity;
}

function claimOf({ ports }: AccountContext, username: string) {
  const now = Math.floor(ports.clock.now());
  const body: PublicBody = {
    since: now,
    posts: 0,
    followers: 0,
    following: 0,
    heads: [],
    generation: 0,
    pages: 0,
  };
  const expiresAt = expiryFor("public", now);
  return { username, namespace: "public", sequence: now, expiresAt, body } as const;
}

/** Claims the name, then stores the sealed keys while the claim is read back. */
async function publish(
  { ports, settings }: AccountContext,
  { draft, claim }: { readonly draft: Draft; readonly claim: SignedRecord<PublicBody> },
  signal?: AbortSignal,
): Promise<void> {
  const { username } = claim;
  const report = await claimName(ports, claim, signal);
  const [answer] = await Promise.all([
    ports.directory.get({ username, namespace: "public" }, signal),
    settings.publishPrivate ? ports.directory.put(draft.sealed, signal) : undefined,
  ]);
  const { record } = answer;
  if (record === undefined) throw tooFewHolders(username, report);
  if (!equalBytes(record.publicKey, claim.publicKey)) throw nameTaken(username);
}

/**
 * Stores the claim until a majority has it. Nodes that did not answer are left out of the next put if
 * they are gone, and may answer it if they were busy: where the name is nobody else's, it is put again.
 */
async function claimName(
  { clock, directory }: AccountContext["ports"],
  claim: SignedRecord<PublicBody>,
  signal?: AbortSignal,
): Promise<PutReport> {
  const { username } = claim;
  for (let tried = 1;; tried++) {
    const report = await directory.put(claim, signal);
    if (report.accepted * 2 > report.asked && report.accepted > 0) return report;
    const { record } = await directory.get({ username, namespace: "public" }, signal);
    if (record !== undefined && !equalBytes(record.publicKey, claim.publicKey)) {
      throw nameTaken(username);
    }
    if (tried === claimTries) throw tooFewHolders(username, report);
    await delay(clock, claimAgainMs, signal);
  }
}

/**
 * Has the holders that accepted the claim forget it: they would keep the name for a key that is about
 * to be gone, and a second try would find it taken.
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
 * Asks the network for a name.
 *
 * @throws {CamelliaError} `name_taken` if somebody has it.
 */
export async function assertNameFree(
  directory: Pick<Directory, "get">,
  username: string,
  signal?: AbortSignal,
): Promise<void> {
  const { record } = await directory.get({ username, namespace: "public" }, signal);
  if (record !== undefined) throw nameTaken(username);
}

function nameTaken(username: string): CamelliaError {
  return new CamelliaError(
    "name_taken",
    `Cannot register ${username}: the name is taken. If it is yours, log in; otherwise choose another.`,
  );
}

function tooFewHolders(
  username: string,
  report: { readonly accepted: number; readonly asked: number },
): CamelliaError {
  return new CamelliaError(
    "too_few_holders",
    `Cannot register ${username}: ${report.accepted} of ${report.asked} nodes accepted the name, ` +
      "and more than half must. Try again in a moment.",
  );
}
