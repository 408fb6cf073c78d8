/**
 * The system's clock, corrected by NTP.
 *
 * The offset is what most of the configured servers agree on, asked a second after the start, every hour, and soon
 * after the system's clock was seen to jump (a person set it, or the machine slept). While no server
 * answers, the last offset stays (at first there is none), and the peer works on.
 *
 * Anybody on the way to the servers can forge their answers. An offset of more than ten minutes is therefore
 * believed only where the person has said so: until then the system's clock is used as it is.
 *
 * @module
 */

import { InFlight } from "../../lib/bounded_map.ts";
import type { HostPort } from "../../lib/host_port.ts";
import { loadModule } from "../../lib/load_module.ts";
import { type Job, Scheduler } from "../../lib/scheduler.ts";
import type { Clock, ClockStatus, Timer } from "../../core/ports.ts";
import { agreeOnOffset, judgeServer, type ServerAnswer } from "./judge.ts";
import type { NtpQuery } from "./query.ts";
import { SystemClock } from "../system/system_time.ts";

/**
 * From the start to the first synchronisation: within this time a peer starts and its user logs in, and a command
 * that runs a peer for a moment ends.
 */
const firstSyncMs = 1_000;

/** Between two synchronisations. Quartz clocks drift by less than 100 ms in that time. */
const syncPauseMs = 3_600_000;

/** After the first failure; doubles up to {@linkcode syncPauseMs}. */
const retryMsMin = 60_000;

/** Servers asked in one round; more would not make the median better. */
const serversMax = 8;

/** How often the system's clock is compared with the monotonic one. */
const jumpLookMs = 30_000;

/** A difference beyond is a jump: slewing makes at most 15 ms in that time. */
const jumpMsMin = 500;

/** A larger offset needs the person's word. Clocks that drift or were set by hand are off by less. */
const unaskedMsMax = 600_000;

/** What an {@linkcode NtpClock} needs. */
export interface NtpClockOptions {
  /** Names or IPv4 addresses, because ntp-time-sync speaks no IPv6. Without any, NTP is turned off. */
  readonly servers: readonly HostPort[];
  /** Whether offsets of more than ten minutes are believed, too. */
  readonly trustFar?: boolean;
  /** The clock to correct; the system's by default. */
  readonly base?: Clock;
  /** How a server is asked; by UDP by default. */
  readonly query?: NtpQuery;
}

const queryServer: NtpQuery = async (server, time, signal) => {
  const { queryServer } = await loadModule<typeof import("./query.ts")>(
    new URL("./query.ts", import.meta.url),
  );
  return await queryServer(server, time, signal);
};

/** The peer's clock. */
export class NtpClock implements Clock {
  readonly #base: Clock;
  readonly #query: NtpQuery;
  #servers: readonly HostPort[];
  readonly #listeners = new Set<(status: ClockStatus) => void>();
  readonly #abort = new AbortController();
  #offsetMs = 0;
  #syncedAt: number | undefined;
  #doubtedMs: number | undefined;
  #trustFar: boolean;
  #isStarted = false;
  #retryMs = retryMsMin;
  readonly #scheduler: Scheduler;
  readonly #nextSync: Job;
  readonly #nextLook: Job;
  /** System time minus monotonic time when last looked at. */
  #systemOriginMs = 0;
  readonly #syncing = new InFlight<boolean>();

  /** The clock shows the system's time until {@linkcode start} is called and a server has answered. */
  constructor(options: NtpClockOptions) {
    this.#base = options.base ?? new SystemClock();
    this.#trustFar = options.trustFar ?? false;
    this.#query = options.query ?? queryServer;
    this.#servers = options.servers.slice(0, serversMax);
    this.#scheduler = new Scheduler(this.#base, reportError);
    this.#nextSync = this.#scheduler.job(async () => void await this.sync());
    this.#nextLook = this.#scheduler.job(() => this.#lookForJump());
  }

  /** Begins to synchronise in the background, a second from now. */
  start(): void {
    this.#isStarted = true;
    this.#startIn(firstSyncMs);
  }

  /** Asks other servers from now on. Without any, the clock is the system's again. */
  use({ servers, trustFar }: Required<Pick<NtpClockOptions, "servers" | "trustFar">>): void {
    const isSame = (a: HostPort, b: HostPort | undefined) =>
      a.host === b?.host && a.port === b.port;
    const chosen = servers.slice(0, serversMax);
    const wereSame = chosen.length === this.#servers.length &&
      chosen.every((server, i) => isSame(server, this.#servers[i]));
    if (wereSame && trustFar === this.#trustFar) return;
    this.#servers = chosen;
    this.#trustFar = trustFar;
    this.#retryMs = retryMsMin;
    this.#nextSync.cancel();
    if (!this.#isStarted || this.#abort.signal.aborted) return;
    if (chosen.length > 0) {
      // A round that is on its way asks the servers of before, and comes to nothing.
      const before = this.#syncing.get("") ?? Promise.resolve();
      return void before.then(() => this.#startIn(0));
    }
    this.#nextLook.cancel();
    [this.#offsetMs, this.#syncedAt, this.#doubtedMs] = [0, undefined, undefined];
    this.#tell();
  }

  /** Ends everything that goes on in the background. The offset stays. */
  close(): void {
    this.#abort.abort();
    this.#scheduler.close();
    this.#listeners.clear();
  }

  /**
   * Asks all servers now and plans the next time. Never rejects.
   *
   * @returns Whether they agreed on an offset.
   */
  sync(): Promise<boolean> {
    return this.#syncing.run("", () => this.#syncOnce());
  }

  /** Corrected Unix time in whole milliseconds. */
  now(): number {
    return this.#base.now() + this.#offsetMs;
  }

  /** Milliseconds since the program's start; never steps. */
  monotonic(): number {
    return this.#base.monotonic();
  }

  /** Calls `fn` once after `ms` milliseconds. */
  after(ms: number, fn: () => void): Timer {
    return this.#base.after(ms, fn);
  }

  /** How well it is set. */
  status(): ClockStatus {
    if (this.#doubtedMs !== undefined) {
      return { offsetMs: 0, source: "system", doubtedMs: this.#doubtedMs };
    }
    return this.#syncedAt === undefined
      ? { offsetMs: this.#offsetMs, source: "system" }
      : { offsetMs: this.#offsetMs, source: "ntp", syncedAt: this.#syncedAt };
  }

  /** Calls back when the offset changed or a synchronisation failed; returns how to stop that. */
  onChange(fn: (status: ClockStatus) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  #startIn(ms: number): void {
    if (this.#servers.length === 0 || this.#abort.signal.aborted) return;
    this.#systemOriginMs = this.#systemOrigin();
    this.#nextLook.dueIn(jumpLookMs);
    this.#nextSync.dueIn(ms);
  }

  async #syncOnce(): Promise<boolean> {
    this.#nextSync.cancel();
    const servers = this.#servers;
    const offsetMs = agreeOnOffset(await this.#askServers(servers));
    if (this.#abort.signal.aborted || servers !== this.#servers) return false;
    const isSynced = offsetMs !== undefined;
    const isFar = isSynced && !this.#trustFar && Math.abs(offsetMs) > unaskedMsMax;
    const wasDoubted = this.#doubtedMs !== undefined;
    const wasChanged = isSynced &&
      (isFar !== wasDoubted || !isFar && (offsetMs !== this.#offsetMs || !this.#syncedAt));
    if (isFar) {
      [this.#offsetMs, this.#syncedAt, this.#doubtedMs] = [0, undefined, offsetMs];
    } else if (isSynced) {
      [this.#offsetMs, this.#doubtedMs] = [offsetMs, undefined];
      this.#syncedAt = this.now();
    }
    this.#nextSync.dueIn(isSynced ? syncPauseMs : this.#retryMs);
    this.#retryMs = isSynced ? retryMsMin : Math.min(this.#retryMs * 2, syncPauseMs);
    if (wasChanged || !isSynced) this.#tell();
    return isSynced;
  }

  /** One server after the other, so that their round trips do not disturb each other. */
  async #askServers(servers: readonly HostPort[]): Promise<ServerAnswer[]> {
    const answers: ServerAnswer[] = [];
    for (const server of servers) {
      if (this.#abort.signal.aborted || servers !== this.#servers) break;
      const answer = judgeServer(await this.#query(server, this.#base, this.#abort.signal));
      if (answer) answers.push(answer);
    }
    return answers;
  }

  #lookForJump(): void {
    const originMs = this.#systemOrigin();
    const isJump = Math.abs(originMs - this.#systemOriginMs) >= jumpMsMin;
    this.#systemOriginMs = originMs;
    this.#nextLook.dueIn(jumpLookMs);
    if (isJump) void this.sync();
  }

  #systemOrigin(): number {
    return this.#base.now() - this.#base.monotonic();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener(this.status());
  }
}
