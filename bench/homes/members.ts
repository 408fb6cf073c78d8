/**
 * The people of a soak with homes: what each has seen and said, over all processes of its peer.
 *
 * @module
 */

import type { PostView } from "../../core/api.ts";
import type { Process } from "../../tests/e2e/harness.ts";
import type { Host, Person } from "../../tests/nat/lab.ts";
import { note, residentMegabytes } from "../delivery/measure.ts";
import { type Absence, type Delivery, type Made, quantile, type Seen } from "./verdict.ts";

/** The program refuses to give more posts at once. */
const pagePosts = 1_000;

/** A post that comes later than this is worth a line. */
const lateMs = 10_000;

/** Seconds since the soak began. */
export function elapsedS(): number {
  return Math.round(performance.now() / 1_000);
}

/** One of them. */
export class Member {
  readonly person: Person;
  readonly host: Host;
  /** What its home is, in a word. */
  readonly place: string;
  readonly follows: string[] = [];
  /** Texts of posts that its peer told of. */
  readonly events: string[] = [];
  /** Posts of others that its peer told of. */
  readonly deliveries: Delivery[] = [];
  /** When it was killed, hung, or its home's router was off. */
  readonly absences: Absence[] = [];
  /** Warnings among the events. */
  readonly warnings: string[] = [];
  /** Megabytes of its process, over time. */
  readonly memory: number[] = [];
  /** What went wrong with its commands. */
  readonly faults: string[] = [];
  /** The last it said of its reach. */
  reach = "unknown";
  wasKilled = false;
  /** Whether the soak is over, so that its process may end. */
  isOver = false;
  /** Whether its peer can be asked to post. */
  isThere = false;
  /** Posts that are being made. */
  posting: Promise<unknown> = Promise.resolve();
  #err = "";
  #process: Process | undefined;
  #linesTaken = 0;

  constructor(person: Person, host: Host, place: string) {
    this.person = person;
    this.host = host;
    this.place = place;
  }

  get name(): string {
    return this.person.name;
  }

  /** Starts its peer, again if it was killed. */
  async up(): Promise<void> {
    await this.person.start("up");
    const process = this.person.process;
    this.#process = process;
    this.#linesTaken = 0;
    void process?.ended().then((code) => {
      if (this.#process !== process || this.isOver) return;
      note(`${elapsedS()} ${this.name} ended with ${code}: ${process.err}`);
      this.faults.push(`ended by itself with ${code}: ${process.err}`);
    });
    this.isThere = true;
    this.returns();
  }

  /** It is away from now on. */
  leaves(): void {
    this.absences.push({ fromMs: Date.now(), toMs: Infinity });
  }

  /** It is back. */
  returns(): void {
    for (const absence of this.absences) absence.toMs = Math.min(absence.toMs, Date.now());
  }

  /** Kills its peer. */
  async kill(): Promise<void> {
    this.isThere = false;
    this.wasKilled = true;
    this.leaves();
    const process = this.#process;
    this.#process = undefined;
    await process?.stop("SIGKILL");
    this.#takeOf(process);
    this.#err += process?.err ?? "";
    // A command that was under way must have ended: it would run a peer of its own on the folder.
    await this.posting;
  }

  /** Stops its peer for a while, as a machine does that is suspended. */
  async hang(ms: number): Promise<void> {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    this.isThere = false;
    Deno.kill(pid, "SIGSTOP");
    this.leaves();
    await new Promise((resolve) => setTimeout(resolve, ms));
    Deno.kill(pid, "SIGCONT");
    this.returns();
    this.isThere = true;
  }

  /** Takes in the lines that its peer printed since. */
  take(): void {
    this.#takeOf(this.#process);
  }

  #takeOf(process: Process | undefined): void {
    const lines = process?.lines ?? [];
    for (; this.#linesTaken < lines.length; this.#linesTaken++) {
      const line = lines[this.#linesTaken];
      if (line?.event === "post") this.#heard(line.post);
      else if (line?.event === "warning") this.warnings.push(line.message);
      else if (line?.event === "reach") this.reach = line.state;
      else if (line?.event === "fork" || line?.event === "clash") {
        this.faults.push(JSON.stringify(line));
      }
    }
  }

  #heard({ author, text, created_at }: PostView): void {
    this.events.push(text);
    if (author === this.name) return;
    const [postedMs, toldMs] = [Date.parse(created_at), Date.now()];
    const delayMs = toldMs - postedMs;
    this.deliveries.push({ author, reader: this.name, postedMs, toldMs });
    if (delayMs < lateMs) return;
    const late = `${this.name} (${this.place}) got ${text} ${Math.round(delayMs / 1_000)} s late`;
    note(`${elapsedS()} ${late}`);
  }

  /** Posts by a command, as people do. */
  post(text: string): Promise<Made> {
    const posted = (async () => {
      const { code, err } = await this.person.run("post", text);
      if (code !== 0 && this.isThere) this.faults.push(`post: ${err.trim()}`);
      return { author: this.name, text, isCommitted: code === 0 };
    })();
    this.posting = Promise.all([this.posting, posted]);
    return posted;
  }

  /** Notes the memory of its process. */
  async weigh(): Promise<void> {
    const pid = this.#process?.pid;
    if (pid !== undefined && this.isThere) this.memory.push(await residentMegabytes(pid));
  }

  /** What it has by now. */
  async seen(): Promise<Seen> {
    this.take();
    const timeline: string[] = [];
    for (let before: string[] = [];;) {
      const args = ["timeline", "--limit", `${pagePosts}`, ...before];
      const { posts } = await this.person.json<{ posts: PostView[] }>(...args);
      timeline.push(...posts.map(({ text }) => text));
      const last = posts.at(-1);
      if (last === undefined || posts.length < pagePosts) break;
      before = ["--before", last.id];
    }
    const { name, follows, events, wasKilled } = this;
    return { name, follows, events, timeline, wasKilled };
  }

  /** All that its processes said on standard error. */
  get errLines(): string[] {
    return (this.#err + (this.#process?.err ?? "")).split("\n").filter((line) => line !== "");
  }

  /** Figures of its own, in one line. */
  summary(): string {
    const delays = this.deliveries.map(({ postedMs, toldMs }) => toldMs - postedMs);
    const [p50, p95, worst] = [0.5, 0.95, 1].map((q) => Math.round(quantile(delays, q)));
    return `${this.name} ${this.place} ${this.reach} ${p50}/${p95}/${worst} ms`;
  }
}
