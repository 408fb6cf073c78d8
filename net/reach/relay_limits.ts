/**
 * What a relay gives to others at most: numbers, each with its reason.
 *
 * @module
 */

import { type NetworkLimits, networkLimits } from "../../lib/networks.ts";
import type { Rate } from "../../lib/token_bucket.ts";

/** Devices reached through one relay; an idle one costs it a connection and 80 bytes a second, headers included. */
export const reservationsMax = 128;

/** Reservations of one home, of a wider network, of a provider: one customer cannot take all. */
export const reservationsPerNetwork: NetworkLimits = networkLimits(8, 32, 64);

/** Circuits at once; each costs two connections, and 8 KB while it is idle. */
export const circuitsMax = 512;

/** Circuits to one device at once: its followers, each with one link. */
export const circuitsPerDevice = 64;

/** What one circuit passes, both ways together: a picture of a busy timeline is some kilobytes a second. */
export const circuitRate: Rate = { perSecond: 512 * 1_024, burst: 2 * 1_048_576 };

/** What all circuits together pass: a fifth of a home line that sends 100 Mbit/s. */
export const relayRate: Rate = { perSecond: 2.5 * 1_048_576, burst: 16 * 1_048_576 };

/** Bytes kept of a circuit in each direction, while they come slowly, and while they come fast. */
export const circuitBufferBytes = { small: 4_096, large: 65_536 } as const;

/** A circuit without a byte for so long is closed. Links close theirs after 2 minutes. */
export const circuitIdleMs = 300_000;

/** How long a device may take over its proof, and over taking a circuit: two bad round trips. */
export const stepMsMax = 5_000;

/** A device says so often that it is still there. */
export const aliveEveryMs = 2_000;

/**
 * A sign of life or its answer that is so late was kept up by more than a lost packet or two: the way was
 * gone, and a home's router may have forgotten its connections. Of an outage of 4.5 s and more one always is.
 */
export const lateMsMax = 2_500;

/** A connection of a reservation that is silent for so long has ended: four signs of life were lost. */
export const silentMsMax = 9_000;
