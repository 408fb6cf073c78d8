/**
 * The worker that talks to one NTP server and is then ended.
 *
 * ntp-time-sync can wait for ever and takes anything that looks like an answer, so that it runs where
 * it can be terminated, sends every answer as soon as it has it, and leaves the judgement to others.
 * `deno compile` must include this file by name.
 *
 * @module
 */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { NtpTimeSync } from "ntp-time-sync";
import type { NtpSample } from "./judge.ts";
import type { NtpRequest } from "./query.ts";

type Packet = Awaited<ReturnType<NtpTimeSync["getNetworkTime"]>>;

/** The library hands durations out as dates counted from here. */
const durationZeroMs = Date.UTC(1900, 0, 1);

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

async function ask(request: NtpRequest): Promise<void> {
  const { host, port, samples, replyMsMax } = request;
  const ntp = new NtpTimeSync({ servers: [], replyTimeout: replyMsMax });
  self.postMessage("asking");
  for (let i = 0; i < samples; i++) {
    const askedAt = Date.now();
    try {
      self.postMessage(sampleOf(await ntp.getNetworkTime(host, port), askedAt));
    } catch {
      // No answer to this one; the next may have one.
    }
  }
  self.postMessage("done");
}

self.onmessage = (event: MessageEvent<NtpRequest>) => {
  ask(event.data);
};
