/**
 * What datagrams by TCP may cost: numbers, each with its reason.
 *
 * @module
 */

import { type NetworkLimits, networkLimits } from "../../lib/networks.ts";
import type { Rate } from "../../lib/token_bucket.ts";

/** Streams that a node serves: each takes a connection of the front door, which has some hundred at least. */
export const servedMax = 256;

/** Those of one home, of a wider network, of a provider: an office behind one address has 32 peers. */
export const servedPerNetwork: NetworkLimits = networkLimits(32, 64, 128);

/** A stream without a request for so long is closed; clients close theirs earlier. */
export const servedIdleMs = 60_000;

/** How fast one stream is read: 100 requests a second of the usual 600 bytes with a store among them. */
export const servedRate: Rate = { perSecond: 65_536, burst: 262_144 };

/** How fast all streams are read together: a tenth of a home line that takes 100 Mbit/s. */
export const servedRateAll: Rate = { perSecond: 1_048_576, burst: 4_194_304 };

/** Bytes that wait to be written to one stream; what comes beyond is lost, as UDP loses it. */
export const queuedBytesMax = 65_536;

/** Streams that a peer keeps to others: a lookup takes some 30. */
export const keptMax = 128;

/** Those to one home, to a wider network, to a provider: a table has ten contacts of a home at most. */
export const keptPerNetwork: NetworkLimits = networkLimits(10, 20, 40);

/** New streams a second, and at once: one lookup asks 256 nodes at most. A liar names others to connect to. */
export const openedRate: Rate = { perSecond: 32, burst: 256 };

/** How long connecting may take: the DHT takes no answer that comes later. */
export const connectMsMax = 2_500;

/** A kept stream without a datagram for so long is closed. */
export const keptIdleMs = 30_000;

/** A kept stream that owes an answer for so long is dead: a router may have forgotten it. */
export const owedMsMax = 8_000;

/** How often kept streams are looked over. */
export const lookMs = 2_000;

/**
 * A peer that has never had an answer by UDP waits so long before it asks by TCP as well: two round trips
 * of a bad line. The first try of joining is not over then.
 */
export const firstSilenceMs = 700;

/** A peer that has had answers waits so long … */
export const laterSilenceMs = 5_000;

/** … and for so many requests without one. */
export const laterSilenceRequests = 6;

/** Requests remembered, to be asked by TCP once UDP turns out to be silent. */
export const remembered = { requests: 16, ms: 2_000 } as const;

/** Once TCP answers, UDP is tried with every request for so long: one datagram may have been lost. */
export const surenessMs = 3_000;

/** Later UDP is tried so often, with all requests of a while. */
export const udpAgain = { everyMs: 30_000, forMs: 1_000 } as const;

/** Requests by UDP whose answers count. */
export const askedMax = 256;

/**
 * After that the second UDP socket is used no more in the place of the first: routers have forgotten by then
 * what they translated for that. Linux does after 120 s without a datagram, 180 s before version 5.
 */
export const forgottenMs = 200_000;
