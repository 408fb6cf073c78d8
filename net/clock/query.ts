/**
 * Asks one NTP server, in a worker that is ended in any case.
 *
 * @module
 */

import type { Clock } from "../../core/ports.ts";
import type { NtpSample } from "./judge.ts";

/** What the worker is told. */
export interface NtpRequest {
  /** IPv4 address or name. */
  readonly host: string;
  /** UDP port. */
  readonly port: number;
  /** Requests to send, one after another. */
  readonly samples: number;
  /** How long to wait for each answer. */
  readonly replyMsMax: number;
}

/** Asks a server; resolves to what it answered in time, however little, and never rejects. */
export type NtpQuery = (
  server: NtpServer,
  clock: Pick<Clock, "after">,
  signal: AbortSignal,
) => Promise<NtpSample[]>;

/** A server. */
export interface NtpServer {
  /** IPv4 address or name. */
  readonly host: string;
  /** UDP port. */
  readonly port: number;
}

/** Of that many samples the one with the shortest round trip counts. */
const samplesAServer = 4;

/** For one answer. Longer round trips make the offset too uncertain anyway. */
const replyMsMax = 1_000;

/** For one server, once the worker asks it: a name to look up, and the samples. */
const serverMsMax = 3_000;

/** For a worker to start; a machine that is busy with other things takes its time. */
const startMsMax = 20_000;

/** NTP's own port (RFC 5905, section 7.2). */
const ntpPort = 123;

/**
 * Reads `HOST`, or `HOST:PORT`, with a name or an IPv4 address as host.
 *
 * @returns Nothing when it is neither.
 */
export function parseNtpServer(text: string): NtpServer | undefined {
  const match = /^([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(\d{1,5}))?$/i.exec(text);
  const [, host, digits] = match ?? [];
  const port = digits === undefined ? ntpPort : Number(digits);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

/** The one place that names the worker's file. */
function startWorker(): Worker {
  return new Worker(new URL("./ntp_worker.ts", import.meta.url), { type: "module" });
}

/** {@linkcode NtpQuery} through net/clock/ntp_worker.ts. */
export const queryInWorker: NtpQuery = (server, clock, signal): Promise<NtpSample[]> => {
  if (signal.aborted) return Promise.resolve([]);
  return new Promise((resolve) => {
    const samples: NtpSample[] = [];
    const worker = startWorker();
    const finish = () => {
      timer.cancel();
      signal.removeEventListener("abort", finish);
      worker.terminate();
      resolve(samples);
    };
    let timer = clock.after(startMsMax, finish);
    signal.addEventListener("abort", finish);
    worker.onmessage = (event: MessageEvent<NtpSample | "asking" | "done">) => {
      if (event.data === "asking") {
        timer.cancel();
        timer = clock.after(serverMsMax, finish);
      } else if (event.data === "done") finish();
      else samples.push(event.data);
    };
    // A packet that the library stumbles over must not end the peer.
    worker.onerror = (event) => {
      event.preventDefault();
      finish();
    };
    const request: NtpRequest = { ...server, samples: samplesAServer, replyMsMax };
    worker.postMessage(request);
  });
};
