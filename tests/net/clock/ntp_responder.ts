/**
 * An NTP server inside the test, for answers that no honest server gives.
 *
 * @module
 */

import type { HostPort } from "../../../lib/host_port.ts";

/** What one answer looks like. */
export interface NtpAnswer {
  /** Server's time minus true time, in milliseconds. */
  readonly offsetMs?: number;
  /** First byte: leap indicator 0, version 4, mode 4 by default. */
  readonly flags?: number;
  /** 1 by default; 0 is a kiss-o'-death. */
  readonly stratum?: number;
  /** Whether the receive and transmit timestamps are zero: 1900. */
  readonly zeroTime?: boolean;
  /** Whether the answer repeats another time than the one that was asked with. */
  readonly wrongOrigin?: boolean;
  /** Whole other bytes in place of a packet. */
  readonly bytes?: Uint8Array;
}

/** A server that runs. */
export interface NtpResponder {
  /** Where it listens. */
  readonly address: HostPort;
  /** Requests that came in. */
  readonly requests: () => number;
  /** Ends it. */
  stop(): Promise<void>;
}

/** Seconds from 1900 to 1970. */
const unixEpochSeconds = 2_208_988_800;

function writeTime(view: DataView, at: number, unixMs: number): void {
  const seconds = Math.floor(unixMs / 1000) + unixEpochSeconds;
  view.setUint32(at, seconds % 2 ** 32);
  view.setUint32(at + 4, (unixMs / 1000 - Math.floor(unixMs / 1000)) * 2 ** 32);
}

/** The packet (RFC 5905, figure 8). */
function packetOf(answer: NtpAnswer, request: Uint8Array): Uint8Array {
  if (answer.bytes) return answer.bytes;
  const packet = new Uint8Array(48);
  const view = new DataView(packet.buffer);
  packet[0] = answer.flags ?? 0x24;
  packet[1] = answer.stratum ?? 1;
  packet[3] = 0xec;
  packet.set(request.subarray(40, 48), 24);
  const now = Date.now() + (answer.offsetMs ?? 0);
  if (answer.wrongOrigin) writeTime(view, 24, Date.now() - 3_600_000);
  if (!answer.zeroTime) {
    writeTime(view, 32, now);
    writeTime(view, 40, now);
  }
  return packet;
}

/** Starts a server that answers request n (from 0) with `answer(n)`, or not at all. */
export function startResponder(answer: (n: number) => NtpAnswer | undefined): NtpResponder {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  let requests = 0;
  const serve = async () => {
    for await (const [request, from] of socket) {
      const reply = answer(requests++);
      if (reply) await socket.send(packetOf(reply, request), from);
    }
  };
  const served = serve().catch(() => {});
  return {
    address: { host: "127.0.0.1", port: (socket.addr as Deno.NetAddr).port },
    requests: () => requests,
    async stop() {
      socket.close();
      await served;
    },
  };
}
