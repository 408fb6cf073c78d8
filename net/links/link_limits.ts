/**
 * The bounds of links: sizes, counts and times, each with its reason.
 *
 * @module
 */

import { networkLimits } from "../../lib/networks.ts";
import type { Rate } from "../../lib/token_bucket.ts";
import type { DoorBounds } from "./front_door.ts";
import type { SenderRates } from "./sender_budgets.ts";

/** A frame is one message (design, section 6). */
export const frameBytesMax = 1_048_576;

/**
 * What CURVE adds to a frame: the command's name, the flags, a nonce and the box's tag make 33 bytes;
 * the rest is margin. libzmq measures the encrypted frame.
 */
export const curveOverheadBytes = 1024;

/**
 * Links open at once, fewer where descriptors are few ({@linkcode linksWithin}). One costs about 40 KB and
 * two to four descriptors; zeromq's default is 1,023.
 */
export const linksMax = 400;

/** Sockets that the zeromq context allows: links, those that linger after closing, and the PULL. */
export const socketsMax = 4096;

/** A link not used for so long is closed. Opening one costs four round trips. */
export const idleMsMax = 120_000;

/** Frames that wait on one link. A burst of posts, and a fetch of 10,000 in batches, fit well. */
export const queuedFramesMax = 1024;

/** Bytes that wait on one link: eight of the largest frames. */
export const queuedBytesMax = 8 * frameBytesMax;

/** Frames that wait for a peer known to be down: more would only be stale when it comes back. */
export const queuedFramesDownMax = 64;

/** Bytes that wait on all links together. A peer shall stay under 100 MB. */
export const queuedBytesTotalMax = 32 * frameBytesMax;

/** Frames older than this are not sent any more: receivers refuse messages older than 10 minutes. */
export const frameAgeMsMax = 300_000;

/** How long a TCP connection may take. A lost SYN is repeated after 1 s, so that one loss is forgiven. */
export const dialMsMax = 2_500;

/**
 * A relay that failed for one device comes last for others so long: it may lie, or have hung. Not for longer, since
 * it may be the device's fault.
 */
export const doubtMs = 60_000;

/** After this long without an answer the next address is tried beside the first (as RFC 8305 does). */
export const dialStaggerMs = 250;

/** Addresses looked at of one device: as many as a record may name. */
export const addressesMax = 12;

/**
 * Dials at one address and port for devices that have not been met there: strangers' records may name
 * anybody's. A handshake that fails takes one more. Enough for a device that restarts under another key.
 */
export const dialsAtPlace: Rate = { perSecond: 0.1, burst: 4 };

/** The same at a relay, through which many devices are reached. */
export const dialsAtRelay: Rate = { perSecond: 1, burst: 64 };

/** The same at all ports of one public address, behind which a provider may have many customers. */
export const dialsAtAddress: Rate = { perSecond: 1, burst: 64 };

/** Links up at one address and port: an honest peer has one key at a time, another after a restart. */
export const linksAtPlaceMax = 4;

/** Links up through one relay: half of what it takes for one device, and then a few devices. */
export const linksAtRelayMax = 64;

/** Places remembered, for dials and for the devices that were met there. */
export const placesMax = 8_192;

/** Remembered choices of addresses; each is a short string. */
export const rememberedAddressesMax = 2048;

/** A handshake that takes longer has failed (design, section 6). */
export const handshakeMsMax = 5_000;

/**
 * The same through a relay while other routes are untried: so a relay that hangs does not keep the sender from
 * the next one for long. A handshake through a relay takes six round trips, each of 0.3 s on bad lines.
 */
export const relayedHandshakeMsMax = 2_000;

/**
 * Links that open at once in a process. On two quiet cores so many take 0.15 s: of more, each one takes longer,
 * and all together no less.
 */
export const openingsMax = 64;

/**
 * After so many times what half of the last links took to open, within these bounds, the next one begins, whatever
 * keeps the one before: a device may be gone, or take connections and say nothing. The least is for handshakes
 * across an ocean, which take a second. The most is less than half of {@linkcode handshakeMsMax}: where turns end
 * sooner than handshakes do, so many go on at once that all of them fail.
 */
export const openingTurn = { times: 3, msMin: 500, msMax: 2_000 } as const;

/**
 * Links that open at once on a machine that is too busy for {@linkcode openingsMax}. With a tenth of a processor so
 * many take half a second, so that devices that say nothing do not stop all others.
 */
export const openingsMin = 8;

/**
 * A link that took so long was slow to open: across an ocean it takes a second. It is a sign of a busy machine only
 * where its timers are late as well.
 */
export const slowOpeningMs = 1_000;

/** While a link opens it is seen once, after so long, how late a timer of this process is. */
export const latenessAfterMs = 250;

/**
 * A timer that is so late says that the processor is busy: the ten turns of the event loop that a link takes to
 * open then take a good part of {@linkcode slowOpeningMs}. On a machine with time a timer is a millisecond late.
 */
export const latenessMs = 10;

/** The first wait before a link is dialled again (design, section 6); doubles each time. */
export const redialMsMin = 1_000;

/** The longest wait before a link is dialled again (design, section 6). */
export const redialMsMax = 60_000;

/**
 * The same to a device that is reached through relays and was met lately: relays that were killed, hang or lie are
 * back within seconds, or the device has others, and it would wait for its frames for longer than that. A device
 * that is gone costs its relays and senders a few connections a minute, for as long as there are frames for it.
 */
export const relayedRedialMsMax = 8_000;

/** A device was met lately for so long: a relay or a router that is back later is no matter of seconds any more. */
export const metLatelyMs = 300_000;

/** A link that lasted so long was a good one: the next wait is the shortest again. */
export const goodLinkMs = 10_000;

/** When the network has not taken a frame for so long, the link is dead. */
export const stallMsMax = 10_000;

/** How often zeromq asks a silent connection whether it lives; catches peers that lost power. */
export const heartbeatMs = 30_000;

/** The same through a relay, which may go on taking bytes and pass none of them on. */
export const relayedHeartbeatMs = 10_000;

/**
 * What was sent through a relay is sent once more if the link dies within this time: by then a heartbeat
 * would have told that it arrived. What was sent directly is, if this machine was cut off.
 */
export const unsureMsMax = 2 * relayedHeartbeatMs;

/** How often a link is looked at meanwhile. */
export const unsureLookMs = 1_000;

/** How long a device gathers before it tells a sender what has come through a relay: single posts cost one receipt. */
export const receiptPauseMs = 200;

/**
 * What was sent through a relay and has not come for so long may never come: the sender goes another way. A round
 * trip through a relay takes half a second on bad lines, and a lost packet is repeated within another.
 */
export const receiptLateMs = 2_000;

/** How often it looks in that time. */
export const receiptLooks = 4;

/**
 * Frames and bytes of one link that are kept for that at most, and how often one frame is sent once more: a relay may
 * have hung, the next one lie, and the third one be killed.
 */
export const unsureMax = { frames: 16, bytes: 65_536, repeats: 3 } as const;

/** Frames that are still in a socket when it is closed have so long to leave. */
export const lingerMs = 300;

/**
 * Turns of the event loop to look again whether the socket takes the next frame, before a timer does:
 * 100 to 200 µs.
 */
export const sendQuickLooksMax = 50;

/** The first pause of a link that waits for its socket, once quick looks found nothing; it doubles … */
export const sendPauseMsMin = 1;
/** … up to this one. */
export const sendPauseMsMax = 25;

/**
 * How often a socket that is waited for is looked at where the system tells of news, in case it fails to:
 * a tenth of what a handshake may take.
 */
export const sendWatchedPauseMs = 500;

/** Frames handed to one socket in a row, before others have their turn. */
export const framesATurnMax = 64;

/** How often the PULL socket is looked at while messages come. */
export const receiveBusyPauseMs = 5;

/** How often the PULL socket is looked at when idle: 1.3 % of a core. */
export const receivePauseMsMax = 25;

/**
 * How often it is looked at where the system tells of news, in case it fails to: so a message comes a
 * second late at worst, and looking costs nothing that could be measured.
 */
export const receiveWatchedPauseMs = 1_000;

/**
 * How long a message is waited for that the front door has passed on: it is decrypted within 0.1 ms, unless
 * others have the processor.
 */
export const expectedMsMax = 1;

/**
 * After something that was not waited for, or in vain, nothing is waited for during so long, and the system is asked
 * to tell of news: a sender of nonsense stops the program for 2 % of the time at most.
 */
export const unsureMs = 50;

/** While the last message is younger than this, every pause is {@linkcode receiveBusyPauseMs}. */
export const receiveBusyMs = 1_000;

/**
 * Turns of the event loop in which a receiver looks again for each message of a burst but the first,
 * before a timer does: the next message is microseconds away. After a single message this would only keep
 * others on this machine waiting.
 */
export const quickLooksPerMessage = 8;

/** At most so many quick looks (see {@linkcode quickLooksPerMessage}), which take 100 to 200 µs. */
export const receiveQuickLooksMax = 50;

/** Frames received in a row, before timers and other sockets have their turn. */
export const receivedFramesATurnMax = 200;

/** Bytes received in a row. */
export const receivedBytesATurnMax = 4 * frameBytesMax;

/** Milliseconds spent in a row on receiving: a flooding sender must not delay the rest for longer. */
export const receiveTurnMsMax = 8;

/** Messages that zeromq keeps for one connection that is not read fast enough: 16 MiB at worst. */
export const receiveHighWaterMark = 16;

/** Connections that may wait for libzmq to accept them: the front door makes them, one for each caller. */
export const backlogMax = 256;

/** The pause after an accept that failed: at the limit of descriptors each one fails. */
export const acceptPauseMs = 100;

/** A caller that does not say what it wants within this time is sent away; a greeting comes at once. */
export const firstByteMsMax = 5_000;

/** Once a caller has no more to say, libzmq has so long to read what is left. */
export const farewellMsMax = 10_000;

/** The smallest message has a key and a signature, 96 bytes, encrypted; signs of life have some 50. */
export const speechBytesMin = 128;

/** A connection without a message for so long is closed. Senders close theirs after {@linkcode idleMsMax}. */
export const silentMsMax = 600_000;

/** How often the front door looks for such connections. */
export const doorLookMs = 30_000;

/** A connection that spoke a moment ago does not make room for another of its own network. */
export const silentMsMin = 1_000;

/** Connections that are read in pieces of 256 KiB at a time: 16 MiB in all. Others are read in 4 KiB. */
export const largeBuffersMax = 64;

/** Senders that come through one relay: as many as of one home, which it may be for. */
export const relayedPerRelayMax = 64;

/** Networks whose sending is remembered: those of all connections, and as many that have gone. */
export const meteredNetworksMax = 32_768;

/** Connections from outside at most: one takes some 65 KB, libzmq's buffers included, so all take 130 MB. */
export const connectionsMax = 2_048;

/** Descriptors of one connection from outside: the caller's, the way to the PULL socket, and libzmq's end. */
const connectionDescriptors = 3;

/**
 * Descriptors of a link: its connection and its mailbox; through a relay also the other end of that
 * connection, and the one to the relay.
 */
const linkDescriptors = 4;

/**
 * Descriptors that connections and links leave alone, for databases and other files, the DHT, the
 * loopback port (128 connections) and the runtime. A process that may have few keeps half of them.
 */
const descriptorsKept = 320;

/** Connections of one address: a home, or a village behind one NAT. */
const perAddressMax = 64;

/** Connections of one /24, /56 or /64; of a /16 or /48; of a /32. */
const perNetworkMax = [128, 512, 1_024] as const;

/**
 * What one home network may send: twice the bytes and five times the messages that the inbox takes of one
 * sender whom it knows, so that several devices and users of one home go unhindered.
 */
const senderRates: SenderRates = {
  bytes: { perSecond: 16 * 1_048_576, burst: 64 * 1_048_576 },
  frames: { perSecond: 1_000, burst: 5_000 },
};

/** Descriptors that a process is assumed to have where its limit is not known. */
export const descriptorsAssumed = 1_024;

/** How many links a process opens at once that may have so many descriptors. */
export function linksWithin(descriptors: number): number {
  return Math.min(linksMax, Math.max(1, Math.floor(descriptors / 16)));
}

/** What the front door of a process allows that may have so many descriptors. */
export function doorBounds(descriptors: number): DoorBounds {
  const kept = Math.min(descriptorsKept, descriptors / 2) +
    linkDescriptors * linksWithin(descriptors);
  const most = Math.max(1, Math.floor((descriptors - kept) / connectionDescriptors));
  const all = Math.min(connectionsMax, most);
  // However few there are, an address has an eighth, a home network a quarter, any other a half.
  const share = (wanted: number, part: number) =>
    Math.max(1, Math.min(wanted, Math.ceil(all / part)));
  const [narrow, wide, widest] = perNetworkMax;
  return {
    connectionsMax: all,
    perAddressMax: share(perAddressMax, 8),
    perNetwork: networkLimits(share(narrow, 4), share(wide, 2), share(widest, 2)),
    ...senderRates,
  };
}

/**
 * Memory outside of V8 may grow by so much before all that zeromq has received is thrown away. Sealing
 * takes 64 MiB, a Worker 30, the databases a few.
 */
export const nativeGrowthBytesMax = 256 * 1_048_576;

/** How often that memory is looked at: a network of 1 Gbit/s brings 30 MB in that time. */
export const nativeLookMs = 250;

/** The next try to listen again, where the port is not free yet. */
export const relistenMs = 1_000;
