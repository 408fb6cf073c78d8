/**
 * Asks one NTP server, in a worker that is ended in any case.
 *
 * @module
 */

import type { HostPort } from "../../lib/host_port.ts";
import type { Time } from "../../lib/time.ts";
import type { NtpSample } from "./judge.ts";

/** What the worker is told: the server, as a name or an IPv4 address, and how to ask it. */
export interface NtpRequest extends HostPort {
  /** Requests to send, one after another. */
  readonly samples: number;
  /** How long to wait for each answer, in milliseconds. */
  readonly replyMsMax: number;
}

/** Asks a server; resolves to what it answered in time, however little, and never rejects. */
export type NtpQuery = (
  server: HostPort,
  time: Pick<Time, "after">,
  signal: AbortSignal,
) => Promise<NtpSample[]>;

/** Of that many samples the one with the shortest round trip counts. */
const samplesAServer = 4;

/** For one answer. Longer round trips make the offset too uncertain anyway. */
const replyMsMax = 1_000;

/** For one server, once the worker asks it: a name to look up, and the samples. */
const serverMsMax = 3_000;

/** For a worker to start; a machine that is busy with other things takes its time. */
const startMsMax = 20_000;

/** {@linkcode NtpQuery} through net/clock/ntp_worker.ts. */
export const queryInWorker: NtpQuery = (server, time, signal): Promise<NtpSample[]> => {
  if (signal.aborted) return Promise.resolve([]);
  return new Promise((resolve) => {
    const samples: NtpSample[] = [];
    // The compiler of the executable finds the worker's file by these words.
    const worker = new Worker(new URL("./ntp_worker.ts", import.meta.url), { type: "module" });
    const finish = () => {
      timer.cancel();
      signal.removeEventListener("abort", finish);
      worker.terminate();
      resolve(samples);
    };
    let timer = time.after(startMsMax, finish);
    signal.addEventListener("abort", finish);
    worker.onmessage = (event: MessageEvent<NtpSample | "asking" | "done">) => {
      if (event.data === "asking") {
        timer.cancel();
        timer = time.after(serverMsMax, finish);
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
