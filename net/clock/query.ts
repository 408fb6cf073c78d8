/**
 * Asks one NTP server. The clock loads this module when it asks, so that a command that runs a peer for a moment
 * does without ntp-time-sync.
 *
 * @module
 */

import { NtpTimeSync } from "ntp-time-sync";
import type { HostPort } from "../../lib/host_port.ts";
import type { Time } from "../../lib/time.ts";
import type { NtpSample } from "./judge.ts";

/** Asks a server; resolves to what it answered in time, however little, and never rejects. */
export type NtpQuery = (
  server: HostPort,
  time: Pick<Time, "now" | "monotonic">,
  signal: AbortSignal,
) => Promise<NtpSample[]>;

/** Of that many samples the one with the shortest round trip counts. */
const samplesAServer = 4;

/** For one answer. Longer round trips make the offset too uncertain anyway. */
const replyMsMax = 1_000;

/** For one server: a name to look up, and the samples. */
const serverMsMax = 3_000;

/** The library hands durations out as dates counted from here. */
const durationZeroMs = Date.UTC(1900, 0, 1);

/** What ntp-time-sync makes of an answer. */
type Packet = Awaited<ReturnType<NtpTimeSync["getNetworkTime"]>>;

function sampleOf(packet: Packet, askedAt: number): NtpSample {
  const at = (date: Date | undefined) => date?.getTime() ?? NaN;
  const duration = (date: Date | undefined) => at(date) - durationZeroMs;
  return {
    askedAt,
    originAt: at(packet.originTimestamp),
    receivedAt: at(packet.receiveTimestamp),
    transmittedAt: at(packet.transmitTimestamp),
    answeredAt: at(packet.destinationTimestamp),
    leap: packet.leapIndicator ?? NaN,
    mode: packet.mode ?? NaN,
    version: packet.version ?? NaN,
    stratum: packet.stratum ?? NaN,
    rootDistanceMs: duration(packet.rootDelay) / 2 + duration(packet.rootDispersion),
  };
}

/**
 * {@linkcode NtpQuery} through ntp-time-sync, of which only the sending and reading of packets is used: it takes
 * anything that looks like an answer, so that the judgement is left to others.
 */
export const queryServer: NtpQuery = async (
  { host, port },
  time,
  signal,
): Promise<NtpSample[]> => {
  const begunAt = time.monotonic();
  const samples: NtpSample[] = [];
  const ntp = new NtpTimeSync({ servers: [], replyTimeout: replyMsMax });
  for (let i = 0; i < samplesAServer && !signal.aborted; i++) {
    if (time.monotonic() - begunAt > serverMsMax - replyMsMax) break;
    const askedAt = time.now();
    try {
      samples.push(sampleOf(await ntp.getNetworkTime(host, port), askedAt));
    } catch {
      // No answer to this one; the next may have one.
    }
  }
  return samples;
};
