/**
 * An account while its user is logged in: the session and the parts that deal with records.
 *
 * @module
 */

import type { PeerEvent } from "../api.ts";
import type { Identity } from "../model/identity.ts";
import type { UserRef } from "../model/user.ts";
import type { SignedRecord } from "../model/record.ts";
import type { PrivateBody } from "../model/record_body.ts";
import type { Ports, Store } from "../ports.ts";
import type { Settings } from "../session/interfaces.ts";
import { UserLists } from "../records/lists.ts";
import { UserRecords } from "../records/own_records.ts";
import { PublicRecord } from "../records/own_records_public.ts";
import { RecordWriter } from "../records/own_records_writer.ts";
import { Clashes } from "../people/people_clashes.ts";
import { UserPeople } from "../people/people.ts";
import { UserSession } from "../session/session.ts";
import { drawDevice, isOutrun, savedDevice, saveDevice } from "../session/session_device.ts";

/** What accounts work with. */
export interface AccountContext {
  /** Everything from outside. */
  readonly ports: Ports;
  /** See {@linkcode Settings}. */
  readonly settings: Settings;
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
export interface UnsealedAccount {
  /** Name and key. */
  readonly self: UserRef;
  /** The keys; wiped if the account cannot be opened. */
  readonly identity: Identity;
  /** The record in the key file. */
  readonly sealed: SignedRecord<PrivateBody>;
  /** Own records just read from the network. */
  readonly records: readonly SignedRecord[];
  /** The account has just been registered: there are no other records than these. */
  readonly isNew?: boolean;
}

/**
 * Opens the database and the parts, and remembers who logged in last; on a failure the keys are wiped
 * and the database is closed.
 */
export async function openAccount(
  context: AccountContext,
  account: UnsealedAccount,
): Promise<OpenAccount> {
  const { ports, settings, emit } = context;
  const { self, identity } = account;
  let store: Store | undefined;
  let session: UserSession | undefined;
  try {
    store = await ports.stores.open(self.username);
    const device = await chooseDevice(account, store, ports);
    session = new UserSession({ self, identity, device, store, ports, settings, emit });
    const open = await openParts(session, account);
    await ports.keys.setLastUser(self.username);
    return open;
  } catch (error) {
    identity.wipe();
    if (session !== undefined) await session.close();
    else await store?.close();
    throw error;
  }
}

async function openParts(session: UserSession, account: UnsealedAccount): Promise<OpenAccount> {
  const writer = new RecordWriter(session);
  for (const record of account.records) {
    if (record.namespace === "private") continue; // The key file's is the one that counts here.
    writer.noteInForce(record.namespace, record);
  }
  // Nobody can have announced a device of an account that did not exist.
  if (account.isNew) writer.noteInForce("connections", undefined);
  const clashes = new Clashes(session);
  writer.onOtherKeys((keys) => clashes.report(session.self, keys));
  const publicRecord = await PublicRecord.open(session, writer);
  const lists = await UserLists.open(session, writer, publicRecord);
  const people = new UserPeople({ session, lists, clashes });
  const { sealed } = account;
  const records = await UserRecords.open({ session, writer, publicRecord, lists, sealed });
  return { session, people, lists, records };
}

/**
 * The number of this installation: the one drawn earlier, unless somebody else has posted under it;
 * else one that the records seen so far don't name (design, section 5).
 */
async function chooseDevice(
  account: UnsealedAccount,
  store: Store,
  ports: Ports,
): Promise<number> {
  const taken = new Set<number>();
  const { username } = account.self;
  const saved = await savedDevice(store);
  let isUsable = saved !== undefined;
  for (const { body } of account.records) {
    if ("heads" in body) {
      for (const head of body.heads) taken.add(head.device);
      if (saved !== undefined && await isOutrun(saved, body.heads, { store, username })) {
        isUsable = false;
      }
    } else if ("devices" in body) {
      for (const entry of body.devices) taken.add(entry.device);
    }
  }
  if (saved !== undefined && isUsable) return saved;
  for (const feed of await store.feeds(username)) taken.add(feed.device);
  if (saved !== undefined) taken.add(saved);
  const device = drawDevice(ports.random, taken);
  await saveDevice(store, device);
  return device;
}
