/**
 * An account while its user is logged in: the session, the records and the people.
 *
 * @module
 */

import type { Entry, PeerEvent } from "../api.ts";
import { CamelliaError } from "../model/errors.ts";
import type { Identity } from "../model/identity.ts";
import type { UserRef } from "../model/user.ts";
import type { Ports, Store } from "../ports.ts";
import type { Settings } from "../session/interfaces.ts";
import type { UserLists } from "../records/lists.ts";
import { type FirstRecords, UserRecords } from "../records/own_records.ts";
import { Clashes } from "../people/clashes.ts";
import { UserPeople } from "../people/people.ts";
import { warn } from "../session/warn.ts";
import { UserSession } from "../session/session.ts";
import type { PasswordJudge } from "./password_strength.ts";
import { drawDevice, isOutrun, savedDevice, saveDevice } from "../session/device_number.ts";

/** What accounts work with. */
export interface AccountContext {
  /** Everything from outside. */
  readonly ports: Ports;
  /** See {@linkcode Settings}. */
  readonly settings: Settings;
  /** Decides which passwords may seal keys. */
  readonly passwordJudge: PasswordJudge;
  /** Where a session's events go. */
  readonly emit: (event: PeerEvent) => void;
}

/** A user, logged in. */
export interface OpenAccount {
  /** The session; closing it ends everything. */
  readonly session: UserSession;
  /** Looks people up. */
  readonly people: UserPeople;
  /** The own lists. */
  readonly lists: UserLists;
  /** The own records. */
  readonly records: UserRecords;
}

/** What is known of an account once its keys are unsealed. */
export interface UnsealedAccount extends FirstRecords {
  /** The keys; wiped if the account cannot be opened. */
  readonly identity: Identity;
}

/**
 * Opens an account; of one that is not to stay open it only remembers that its user logged in last.
 *
 * @param store Its database, where that is being opened already.
 */
export async function enterAccount(
  context: AccountContext,
  account: UnsealedAccount,
  { isBrief = false, store }: Pick<Entry, "isBrief"> & { readonly store?: Promise<Store> },
): Promise<OpenAccount | UserRef> {
  if (!isBrief) return await openAccount(context, account, store);
  const { identity: { publicKey: key }, sealed: { username } } = account;
  // Nothing of it was opened: the next login draws a device number and reads the records.
  account.identity.wipe();
  await rememberUser(context.ports, username, (error) => {
    context.emit({ event: "warning", code: error.code, message: error.message });
  });
  return { username, key };
}

/** Remembers who logged in last. On a full disk that is told, because reading goes on. */
async function rememberUser(
  { keys }: Pick<Ports, "keys">,
  username: string,
  tell: (error: CamelliaError) => void,
): Promise<void> {
  await keys.setLastUser(username).catch((error: unknown) => {
    if (!(error instanceof CamelliaError) || error.code !== "disk_full") throw error;
    tell(error);
  });
}

/**
 * Opens the database and the parts, and remembers who logged in last; on a failure the keys are wiped
 * and the database is closed.
 */
export async function openAccount(
  { ports, settings, emit }: AccountContext,
  account: UnsealedAccount,
  opening?: Promise<Store>,
): Promise<OpenAccount> {
  const { identity, sealed: { username } } = account;
  const self = { username, key: identity.publicKey };
  let store: Store | undefined;
  let session: UserSession | undefined;
  try {
    store = await (opening ?? ports.stores.open(username));
    const device = await chooseDevice(account, store, ports);
    const opened = session = new UserSession({
      self,
      identity,
      device,
      store,
      ports,
      settings,
      emit,
    });
    const clashes = new Clashes(session);
    const records = await UserRecords.open(session, account, (keys) => clashes.report(self, keys));
    const { lists } = records;
    const people = new UserPeople({ session, lists, clashes });
    await rememberUser(ports, username, (error) => warn(opened, error));
    if (store.isReadOnly === true) {
      const message =
        "The disk is full: posts can be read, and nothing is stored. Free some space and start again";
      warn(opened, new CamelliaError("disk_full", message));
    }
    return { session, people, lists, records };
  } catch (error) {
    identity.wipe();
    if (session !== undefined) await session.close();
    else await store?.close();
    throw error;
  }
}

/**
 * The number of this installation: the one drawn earlier, unless another installation has posted under
 * it; else one that the records seen so far don't name (design, section 5).
 */
async function chooseDevice(
  { sealed: { username }, records }: UnsealedAccount,
  store: Store,
  ports: Ports,
): Promise<number> {
  const heads = records.flatMap(({ body }) => "heads" in body ? body.heads : []);
  const saved = await savedDevice(store);
  if (saved !== undefined && !await isOutrun(saved, heads, { store, username })) return saved;
  const devices = records.flatMap(({ body }) => "devices" in body ? body.devices : []);
  const known = [...heads, ...devices, ...await store.feeds(username)];
  const taken = new Set(known.map(({ device }) => device));
  if (saved !== undefined) taken.add(saved);
  const device = drawDevice(ports.random, taken);
  await saveDevice(store, device);
  return device;
}
