/**
 * The accounts of a data folder: created, opened, sealed anew, moved (design, section 4).
 *
 * @module
 */

import type { Credentials, Entry, Recovery, Registration, UserView } from "../api.ts";
import { CamelliaError } from "../model/errors.ts";
import { given } from "../model/arguments.ts";
import { equalBytes } from "../model/bytes.ts";
import { DecodeError } from "../../lib/msgpack.ts";
import type { SignedRecord } from "../model/record.ts";
import type { PrivateBody } from "../model/record_body.ts";
import { compareRecords } from "../model/record_policy.ts";
import { wordsOfSeed } from "../model/recovery_words.ts";
import type { UserRef } from "../model/user.ts";
import { parseUsername } from "../model/username.ts";
import { userView } from "../session/views.ts";
import { readAccountFile, readKeyFile, writeAccountFile } from "./sealed_files.ts";
import { loginAccount } from "./login.ts";
import {
  type AccountContext,
  enterAccount,
  type OpenAccount,
  openAccount,
  type UnsealedAccount,
} from "./open_account.ts";
import { recoverAccount } from "./recover.ts";
import { assertNameFree, assertNetwork, registerAccount } from "./register.ts";
import { prepareSeal, sealIdentity, unsealIdentity } from "./seal.ts";

/** An account that stays open. */
export type Stays<T extends Entry> = T & { readonly isBrief?: false };

/** The accounts of a data folder. */
export class Accounts {
  readonly #context: AccountContext;

  /** Accounts over these ports. */
  constructor(context: AccountContext) {
    this.#context = context;
  }

  /**
   * Loads what judges passwords ahead of a registration or change of password: while the user still
   * types.
   */
  prepare(): Promise<void> {
    return this.#context.passwordJudge.prepare();
  }

  /**
   * Whether a name could be registered, as far as can be told ahead of it.
   *
   * @throws {CamelliaError} `invalid_username`, `name_taken`, `not_joined`.
   */
  async checkName(name: string, signal?: AbortSignal): Promise<void> {
    const username = parseUsername(name);
    const { ports } = this.#context;
    assertNetwork(this.#context, username);
    if (ports.directory.status().joined) await assertNameFree(ports, username, signal);
  }

  /**
   * Creates an account and opens it.
   *
   * @throws {CamelliaError} `invalid_username`, `not_joined`, `weak_password`, `name_taken`,
   * `too_few_holders`; the disk's errors.
   */
  register(registration: Stays<Registration>, signal?: AbortSignal): Promise<OpenAccount>;
  /** As above; of one that is not to stay open, whose it is. */
  register(registration: Registration, signal?: AbortSignal): Promise<OpenAccount | UserRef>;
  async register(
    registration: Registration,
    signal?: AbortSignal,
  ): Promise<OpenAccount | UserRef> {
    const claimant = { ...registration, username: parseUsername(registration.username) };
    const account = await registerAccount(this.#context, claimant, signal);
    return await enterAccount(this.#context, account, claimant);
  }

  /**
   * Opens an account.
   *
   * @throws {CamelliaError} `invalid_username`, `wrong_password`, `unknown_user`, `not_joined`, `no_answer`; the
   * disk's errors.
   */
  login(entry: Stays<Entry>, signal?: AbortSignal): Promise<OpenAccount>;
  /** As above; of one that is not to stay open, whose it is. */
  login(entry: Entry, signal?: AbortSignal): Promise<OpenAccount | UserRef>;
  async login(entry: Entry, signal?: AbortSignal): Promise<OpenAccount | UserRef> {
    const claimant = { ...entry, username: parseUsername(entry.username) };
    const { keys, stores } = this.#context.ports;
    const local = await readKeyFile(keys, claimant.username);
    // A database takes its time to open, and unsealing takes longer.
    const store = local === undefined || claimant.isBrief
      ? undefined
      : stores.open(claimant.username);
    store?.catch(() => {});
    let account: UnsealedAccount;
    try {
      account = await loginAccount(this.#context, { claimant, local }, signal);
    } catch (error) {
      // Why the login fails matters more than what is wrong with the disk.
      await store?.then((opened) => opened.close()).catch(() => {});
      throw error;
    }
    return await enterAccount(this.#context, account, { ...claimant, ...given({ store }) });
  }

  /**
   * Checks the present password of a user who is logged in, so that the person need not think of a new one
   * first.
   *
   * @throws {CamelliaError} `wrong_password`.
   */
  async checkPassword(
    { session, records }: Pick<OpenAccount, "session" | "records">,
    password: string,
  ): Promise<void> {
    const identity = await unsealIdentity(
      records.sealed.record,
      password,
      this.#context.ports.keys,
    );
    identity?.wipe();
    if (identity !== undefined) return;
    throw new CamelliaError(
      "wrong_password",
      `Cannot change the password of ${session.self.username}: the present password is wrong.`,
    );
  }

  /**
   * Seals the keys under another password. The old sealed bytes are superseded on the network, or as
   * soon as there is one.
   *
   * @throws {CamelliaError} `wrong_password`, `weak_password`, `superseded`, `too_few_holders`; the
   * disk's errors.
   */
  async changePassword(
    { session, records }: OpenAccount,
    change: { readonly old: string; readonly new: string },
    signal?: AbortSignal,
  ): Promise<void> {
    const { identity, self: { username } } = session;
    const { ports, settings, passwordJudge } = this.#context;
    await this.checkPassword({ session, records }, change.old);
    if (change.new === change.old) {
      const why = "the new one is the old one";
      throw new CamelliaError(
        "weak_password",
        `Cannot change the password of ${username}: ${why}.`,
      );
    }
    const { isLocal, isPublished } = records.sealed;
    await passwordJudge.judge(change.new, [username], isPublished);
    signal?.throwIfAborted();
    const seal = prepareSeal(change.new, settings.derivation, ports);
    const body = await sealIdentity({ username, identity, isLocal }, seal, ports);
    await records.sealed.replace(body, signal);
  }

  /**
   * The recovery words of a user of this folder, for the person who knows the password.
   *
   * @throws {CamelliaError} `invalid_username`, `unknown_user`, `wrong_password`; the disk's errors.
   */
  async recoveryWords({ username, password }: Credentials): Promise<string[]> {
    const name = parseUsername(username);
    const { keys } = this.#context.ports;
    const refused = (code: "unknown_user" | "wrong_password", why: string) =>
      new CamelliaError(code, `Cannot show the recovery words of ${name}: ${why}.`);
    const sealed = await readKeyFile(keys, name);
    if (sealed === undefined) {
      throw refused("unknown_user", "its keys are not in this data folder. Log in here first");
    }
    const identity = await unsealIdentity(sealed, password, keys);
    if (identity === undefined) throw refused("wrong_password", "the password is wrong");
    const seed = identity.exportSeed();
    identity.wipe();
    try {
      return await wordsOfSeed(seed);
    } finally {
      seed.fill(0);
    }
  }

  /**
   * Seals an account's keys under a new password and opens it: its recovery words stand in for the old one.
   *
   * @throws {CamelliaError} `invalid_username`, `wrong_words`, `weak_password`, `unknown_user`, `not_joined`,
   * `no_answer`; the disk's errors.
   */
  async recover(recovery: Recovery, signal?: AbortSignal): Promise<OpenAccount> {
    const claimant = { ...recovery, username: parseUsername(recovery.username) };
    const account = await recoverAccount(this.#context, claimant, signal);
    return await openAccount(this.#context, account);
  }

  /**
   * The account of a user of this folder in the form of a file, sealed as in the key file.
   *
   * @throws {CamelliaError} `unknown_user`, `invalid_file`; the disk's errors.
   */
  async exportAccount(username: string): Promise<Uint8Array> {
    const name = parseUsername(username);
    const { keys } = this.#context.ports;
    const sealed = await readKeyFile(keys, name);
    if (sealed !== undefined) return writeAccountFile(sealed.value);
    throw await keys.read(name) === undefined
      ? new CamelliaError(
        "unknown_user",
        `Cannot export ${name}: its keys are not in this data folder.`,
      )
      : new CamelliaError("invalid_file", `Cannot export ${name}: its key file is damaged.`);
  }

  /**
   * Takes in what {@linkcode exportAccount} gave; afterwards the user can log in here. Keys already
   * here are kept if they are the newer ones, and never replaced by another user's.
   *
   * @throws {CamelliaError} `invalid_file`, `name_taken`; the disk's errors.
   */
  async importAccount(bytes: Uint8Array): Promise<UserView> {
    const record = decodeFile(bytes);
    const { keys } = this.#context.ports;
    const { username, publicKey } = record;
    const here = await readKeyFile(keys, username);
    if (here !== undefined && !equalBytes(here.publicKey, publicKey)) {
      throw new CamelliaError(
        "name_taken",
        `Cannot import ${username}: this data folder has another key under that name. ` +
          "Import it into a folder of its own.",
      );
    }
    if (here === undefined || compareRecords(record, here) > 0) {
      await keys.write(username, record.value);
    }
    return userView({ username, key: publicKey });
  }

  /** Removes what the data folder has of a user who is logged out: the sealed keys, then the database. */
  async remove(username: string): Promise<void> {
    const { keys, stores } = this.#context.ports;
    await keys.remove(username);
    await stores.remove(username);
  }

  /** Users whose sealed keys are in the folder, the one who logged in last first. */
  async users(): Promise<string[]> {
    const { keys } = this.#context.ports;
    const [names, last] = await Promise.all([keys.list(), keys.lastUser()]);
    return names.toSorted((a, b) => Number(b === last) - Number(a === last));
  }
}

function decodeFile(bytes: Uint8Array): SignedRecord<PrivateBody> {
  try {
    return readAccountFile(bytes);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new CamelliaError(
      "invalid_file",
      `Cannot import the account: ${error.message}. The file must be one that an export made.`,
      { cause: error },
    );
  }
}
