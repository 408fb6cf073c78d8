/**
 * The number of this installation, kept in the user's database (design, section 5).
 *
 * @module
 */

import { feedOf, lastNumber } from "../model/feed.ts";
import type { Head } from "../model/record_body.ts";
import { deviceMax } from "../model/snowflake.ts";
import type { Random, Store } from "../ports.ts";
import { readNumber, writeNumber } from "./notes.ts";

/** The note with the number. */
const note = "device";

/** The number drawn by an earlier login, if there was one. */
export function savedDevice(store: Pick<Store, "getNote">): Promise<number | undefined> {
  return readNumber(store, note, deviceMax);
}

/** Keeps the number. */
export function saveDevice(store: Pick<Store, "putNote">, device: number): Promise<void> {
  return writeNumber(store, note, device);
}

/**
 * Draws a number that is not taken. With all 1,024 taken any is as good as another: posts of two
 * devices under one number are told apart as forks, and the device that sees it draws again.
 */
export function drawDevice(random: Random, taken: ReadonlySet<number>): number {
  const free: number[] = [];
  for (let device = 0; device <= deviceMax; device++) {
    if (!taken.has(device)) free.push(device);
  }
  const word = new DataView(random.bytes(4).buffer).getUint32(0);
  return free[word % free.length] ?? word % (deviceMax + 1);
}

/**
 * Whether the network shows a head of this device beyond the local one: another installation posts
 * under its number, because this data folder is a copy, or an older backup, of another.
 */
export async function isOutrun(
  device: number,
  heads: readonly Head[],
  own: { readonly store: Pick<Store, "feeds">; readonly username: string },
): Promise<boolean> {
  const seen = heads.find((head) => head.device === device)?.head ?? 0;
  return seen > lastNumber(feedOf(await own.store.feeds(own.username), device));
}
