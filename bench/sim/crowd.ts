/**
 * A post on its way to very many followers: the tree as authors draw it (`core/timeline/tree_draw.ts`), with
 * their patience and their memory of liars, on a compact model of peers. Links, look-ups and pages take the
 * times that the full simulations and benches have measured; signatures and processors take none.
 *
 * @module
 */
import { mix } from "../../core/timeline/draw.ts";
import { graceMs } from "../../core/timeline/roll_call.ts";
import { silentAfterMs } from "../../core/timeline/patience.ts";
import { Standing } from "../../core/timeline/standing.ts";
import { asked, limbPatience } from "../../core/timeline/tree_author.ts";
import {
  type Cover,
  drawCovers,
  limbCopies,
  pagesOf,
  type Placed,
  treeLimits,
  treeOf,
} from "../../core/timeline/tree_draw.ts";
import { relayPatience } from "../../core/timeline/tree_relay.ts";
import { EventQueue } from "../../tests/sim/event_queue.ts";
import { SeededRandom } from "../../tests/sim/random.ts";
import { percent, quantile, rounded, type Row, type Settings, type Table } from "./report.ts";

/** Round trips, evenly spread. */
const rttMs = { min: 20, max: 200 };

/** TCP and CURVE: round trips until a link is open. */
const openingRtts = 5;

/** What the author's line sends: 1.3 MB a second, of messages of 13 KB. */
const uploadMs = 10;

/** Look-ups in the DHT at 10,000 nodes (docs/SIMULATION.md), a tenth longer: of what is there, and of what is not. */
const lookUpMs = {
  found: [[0, 150], [0.5, 410], [0.95, 710], [1, 1_500]],
  absent: [[0, 800], [0.5, 1_060], [0.95, 1_300], [1, 2_000]],
} as const;

type Kind = "honest" | "liar" | "dead" | "offline";

/** One peer. */
interface Peer {
  readonly index: number;
  readonly kind: Kind;
}

/** What a run is about. */
interface Crowd {
  readonly count: number;
  /** Percent. */
  readonly online: number;
  readonly liars: number;
  readonly dead: number;
  readonly seed: string;
}

/** A user who is being looked up: when it is known whether the user is there. */
interface Called {
  readonly name: string;
  readonly isThere: boolean;
  readonly at: number;
}

/** The next who is there, as `core/timeline/roll_call.ts` chooses, and when it is chosen; takes it out. */
function nextOf(
  left: Called[],
  nowMs: number,
): { readonly name: string; readonly at: number } | undefined {
  for (let now = nowMs;;) {
    const [first, ...others] = left;
    if (first === undefined) return undefined;
    const found = others.filter(({ isThere }) => isThere).sort((a, b) => a.at - b.at)[0];
    const passedAt = found === undefined ? Infinity : Math.max(found.at, now) + graceMs;
    const isPassed = found !== undefined && passedAt < first.at;
    const chosen = isPassed ? found : first;
    now = Math.max(now, isPassed ? passedAt : first.at);
    left.splice(left.indexOf(chosen), 1);
    if (chosen.isThere) return { name: chosen.name, at: now };
  }
}

/** What became of one post. */
interface Outcome {
  /** Milliseconds until each follower who is online and honest had it; Infinity for those who lack it. */
  readonly ms: readonly number[];
  readonly authorSent: number;
  readonly mostSent: number;
  readonly copies: number;
  readonly lookUps: number;
}

/** An author's followers. */
class CrowdWorld {
  readonly #peers = new Map<string, Peer>();
  readonly #followers: Placed[] = [];
  readonly #random: SeededRandom;
  readonly #pages: number;
  /** Links that are open, devices and pages that are known: they outlast a post. */
  readonly #warm = new Set<string>();
  readonly #standing: Standing;
  #nowMs = 0;
  #covers: readonly Cover[] = [];

  constructor({ count, online, liars, dead, seed }: Crowd) {
    this.#random = new SeededRandom(`${seed} crowd ${count} ${online} ${liars} ${dead}`);
    this.#standing = new Standing({ monotonic: () => this.#nowMs });
    this.#pages = 2 ** Math.ceil(Math.log2(count / 75));
    const key = new Uint8Array(32);
    for (let index = 0; index < count; index++) {
      const username = `u${index}`;
      const draw = this.#random.float() * 100;
      const bad = this.#random.float() * 100;
      const kind = draw >= online
        ? "offline"
        : bad < liars
        ? "liar"
        : bad < liars + dead
        ? "dead"
        : "honest";
      this.#peers.set(username, { index, kind });
      const place = Math.floor(this.#random.float() * this.#pages * 2 ** 32);
      this.#followers.push({ user: { username, key }, place });
    }
    this.#followers.sort((a, b) => a.place - b.place);
    this.#draw();
  }

  #draw(): void {
    this.#covers = drawCovers({
      followers: this.#followers,
      pages: this.#pages,
      seed: this.#random.bytes(32),
      isLikely: () => false,
      isOut: (user) => this.#standing.isOut(user),
      limits: treeLimits,
    });
  }

  #kindOf(name: string): Kind {
    return this.#peers.get(name)?.kind ?? "honest";
  }

  #rtt(a: string, b: string): number {
    const [i, j] = [a, b].map((name) => this.#peers.get(name)?.index ?? -1);
    const drawn = mix(Math.min(i ?? 0, j ?? 0), Math.max(i ?? 0, j ?? 0)) / 2 ** 32;
    return rttMs.min + drawn * (rttMs.max - rttMs.min);
  }

  /** Milliseconds from one peer to another, over a link that may have to be opened. */
  #way(from: string, to: string): number {
    const rtt = this.#rtt(from, to);
    const name = `${from}>${to}`;
    const opening = this.#warm.has(name) ? 0 : openingRtts * rtt;
    this.#warm.add(name);
    return opening + rtt / 2;
  }

  #lookUp(by: string, what: string, isThere: boolean): number {
    const name = `${by}?${what}`;
    if (this.#warm.has(name)) return 0;
    if (isThere) this.#warm.add(name);
    const u = this.#random.float();
    const points = lookUpMs[isThere ? "found" : "absent"];
    const after = points.findIndex(([share]) => share >= u);
    const [[a, from], [b, to]] = [points[Math.max(after - 1, 0)], points[after]] as [
      readonly [number, number],
      readonly [number, number],
    ];
    return b === a ? to : from + (u - a) / (b - a) * (to - from);
  }

  /** One post, ten seconds after the last one. */
  post(isCold: boolean): Outcome {
    this.#nowMs += 10_000;
    const startMs = this.#nowMs;
    const events = new EventQueue();
    const tree = treeOf(this.#covers, this.#random.bytes(32));
    const sent = new Map<string, number>();
    const hadAt = new Map<string, number>();
    const by = new Map<string, Set<string>>();
    const told = new Map<string, number>();
    const acked = new Map<string, number>();
    let authorSent = 0;
    let copies = 0;
    let lookUps = 0;
    const arrive = (from: string, to: string, at: number) => {
      copies++;
      hadAt.set(to, Math.min(hadAt.get(to) ?? Infinity, at));
      by.set(to, (by.get(to) ?? new Set()).add(from));
    };
    const send = (from: string) => sent.set(from, (sent.get(from) ?? 0) + 1);
    const isThere = (name: string) => this.#kindOf(name) !== "offline";

    /** A relay tells a branch: once; says when it has acknowledged. */
    const tell = (relay: string, branch: { from: number; to: number }): number => {
      const known = told.get(relay);
      if (known !== undefined) return Math.max(known, this.#nowMs);
      const pages = Math.max(
        ...pagesOf(branch).map((page) => this.#lookUp(relay, `p${page}`, true)),
      );
      const readAt = this.#nowMs + pages;
      told.set(relay, readAt);
      if (this.#kindOf(relay) === "liar") return readAt;
      for (const { user: { username } } of this.#on(branch)) {
        if (username === relay) continue;
        const found = isThere(username);
        lookUps++;
        const at = readAt + this.#lookUp(relay, username, found);
        if (!found) continue;
        send(relay);
        arrive(relay, username, at + this.#way(relay, username));
      }
      return readAt;
    };

    /** A relay of a limb has the order. */
    const handOn = (relay: string, limb: (typeof tree.limbs)[number]) => {
      const delays: number[] = limb.branches.map(() => Infinity);
      let unsent = limb.branches.length;
      for (const [i, branch] of limb.branches.entries()) {
        const beganAt = this.#nowMs;
        const there = branch.relays.map(({ username }) => {
          lookUps++;
          return this.#nowMs + this.#lookUp(relay, username, isThere(username));
        });
        const left = branch.relays.map(({ username: name }, i) => {
          return { name, isThere: isThere(name), at: there[i] ?? 0 };
        });
        let isFirst = true;
        const attempt = () => {
          const next = nextOf(left, this.#nowMs);
          if (next === undefined) {
            if (isFirst) unsent--;
            return;
          }
          const { name } = next;
          events.push(next.at, () => {
            if (isFirst) unsent--;
            isFirst = false;
            if ((sent.get(relay) ?? 0) + unsent >= treeLimits.forwardsMax) return;
            send(relay);
            const sentAt = this.#nowMs;
            let isAcked = false;
            if (this.#kindOf(name) !== "dead") {
              events.push(sentAt + this.#way(relay, name), () => {
                arrive(relay, name, this.#nowMs);
                const doneAt = tell(name, branch);
                const back = this.#lookUp(name, relay, true) + this.#way(name, relay);
                events.push(doneAt + back, () => {
                  isAcked = true;
                  delays[i] = this.#nowMs - beganAt;
                });
              });
            }
            const look = () => {
              if (isAcked) return;
              if (this.#nowMs - sentAt >= silentAfterMs(delays, relayPatience)) {
                return attempt();
              }
              events.push(this.#nowMs + 200, look);
            };
            look();
          });
        };
        attempt();
      }
    };

    // The author's side.
    const limbs = tree.limbs.map((limb) => {
      const left = limb.relays.filter((user) => !this.#standing.isOut(user))
        .map(({ username: name }): Called => {
          const found = isThere(name);
          return { name, isThere: found, at: startMs + this.#lookUp("author", name, found) };
        });
      return { limb, left, relays: [] as { name: string; at: number }[] };
    });
    let lineFreeAt = startMs;
    const place = (onWay: (typeof limbs)[number], count: number) => {
      const next = nextOf(onWay.left, this.#nowMs);
      if (count === 0 || next === undefined || authorSent >= treeLimits.messagesMax) return;
      const { name } = next;
      events.push(next.at, () => {
        authorSent++;
        onWay.relays.push({ name, at: this.#nowMs });
        place(onWay, count - 1);
        lineFreeAt = Math.max(lineFreeAt, this.#nowMs) + uploadMs;
        if (this.#kindOf(name) === "dead") return;
        events.push(lineFreeAt + this.#way("author", name), () => {
          arrive("author", name, this.#nowMs);
          events.push(this.#nowMs + 60 + this.#way(name, "author"), () => {
            acked.set(name, this.#nowMs);
          });
          if (this.#kindOf(name) === "honest") handOn(name, onWay.limb);
        });
      });
    };
    for (const limb of limbs) place(limb, limbCopies);
    const ref = (username: string) => ({ username, key: new Uint8Array(32) });
    const round = (number: number) => {
      const delays = limbs.flatMap(({ relays }) => relays)
        .map(({ name, at }) => (acked.get(name) ?? Infinity) - at);
      const patienceMs = silentAfterMs(delays, limbPatience);
      for (const limb of limbs) {
        const isLost = ({ name, at }: { name: string; at: number }) =>
          !acked.has(name) && this.#nowMs - at >= patienceMs;
        const lost = limb.relays.filter(isLost);
        limb.relays = limb.relays.filter((relay) => !isLost(relay));
        for (const { name } of lost) this.#standing.note(ref(name), false);
        const isRoom = authorSent + asked.relays + asked.followers < treeLimits.messagesMax;
        if (lost.length > 0 && isRoom) place(limb, lost.length);
      }
      if (number === (isCold ? 8 : 3)) ask();
      if (number < 10) events.push(this.#nowMs + 600, () => round(number + 1));
    };
    const ask = () => {
      for (const { limb, relays } of this.#random.shuffle(limbs).slice(0, asked.relays)) {
        const name = this.#random.pick(limb.branches).relays[0]?.username ?? "";
        authorSent++;
        if (this.#kindOf(name) !== "honest") continue;
        const ms = isCold ? 1_800 : 600;
        for (const { name: hander } of relays) {
          if (this.#nowMs - (acked.get(hander) ?? Infinity) < ms) continue;
          this.#standing.note(ref(hander), by.get(name)?.has(hander) ?? false);
        }
      }
      for (
        const { user, place } of this.#random.shuffle(this.#followers).slice(0, asked.followers)
      ) {
        authorSent++;
        if (this.#kindOf(user.username) !== "honest") continue;
        const passers = by.get(user.username);
        for (const { branches } of tree.limbs) {
          const branch = branches.find(({ from, to }) => from <= place && place < to);
          const first = branch?.relays[0];
          if (branch === undefined || first === undefined) continue;
          const passed = branch.relays.filter(({ username }) => passers?.has(username));
          for (const relay of passed) this.#standing.note(relay, true);
          if (passed.length === 0) this.#standing.note(first, false);
        }
        arrive("author", user.username, this.#nowMs + this.#way("author", user.username));
      }
    };
    events.push(startMs + 600, () => round(1));
    for (let event = events.pop(); event !== undefined; event = events.pop()) {
      this.#nowMs = event.at;
      event.fn();
    }
    const honest = this.#followers.filter(({ user }) => this.#kindOf(user.username) === "honest");
    const ms = honest.map(({ user }) => (hadAt.get(user.username) ?? Infinity) - startMs);
    const mostSent = Math.max(...sent.values());
    return { ms, authorSent, mostSent, copies: copies / honest.length, lookUps };
  }

  #on({ from, to }: { from: number; to: number }): readonly Placed[] {
    const first = this.#firstFrom(from);
    return this.#followers.slice(first, this.#firstFrom(to));
  }

  #firstFrom(place: number): number {
    let low = 0;
    for (let high = this.#followers.length; low < high;) {
      const middle = (low + high) >> 1;
      if ((this.#followers[middle]?.place ?? Infinity) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** `--counts=10000,100000 --online=70 --bad=0,0,5,0`: percent of liars and of dead in turn. */
export function crowd(settings: Settings): Promise<Table> {
  const rows: Row[] = [];
  const [online = 70] = settings.numbers("online", [70]);
  const bad = settings.numbers("bad", [0, 0, 5, 0, 2.5, 2.5, 0, 5, 20, 0]);
  for (const count of settings.numbers("counts", [10_000, 100_000])) {
    for (let at = 0; at < bad.length; at += 2) {
      const [liars = 0, dead = 0] = bad.slice(at, at + 2);
      const world = new CrowdWorld({ count, online, liars, dead, seed: settings.seed });
      for (const post of ["first", "second", "fifth"]) {
        let outcome = world.post(post === "first");
        if (post === "fifth") { for (let i = 3; i < 5; i++) outcome = world.post(false); }
        const { ms, authorSent, mostSent, copies, lookUps } = outcome;
        const made: Row = {
          followers: count,
          "liars, dead": `${liars} %, ${dead} %`,
          post,
          "author sent": authorSent,
          "most sent by one": mostSent,
          "ms p50": rounded(quantile(ms, 0.5)),
          "ms p99": rounded(quantile(ms, 0.99)),
          "have it in 6 s": percent(ms.filter((one) => one <= 6_000).length, ms.length),
          "lack it": percent(ms.filter((one) => one === Infinity).length, ms.length),
          copies: rounded(copies, 2),
          "look-ups": lookUps,
        };
        settings.row(made);
        rows.push(made);
      }
    }
  }
  return Promise.resolve({
    name: "crowd",
    about: `Followers of one author, ${online} % of them online; round trips of ${rttMs.min} to ` +
      `${rttMs.max} ms.`,
    rows,
  });
}
