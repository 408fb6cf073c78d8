/**
 * Which records this node stores for others: those of a name's owner (design, section 4).
 *
 * @module
 */

import {
  type Exemption,
  NetworkCounts,
  networkLimits,
  NetworkWindow,
  siteOf,
} from "../../lib/networks.ts";
import { equalBytes, toHex } from "../../core/model/bytes.ts";
import { attempt } from "../../lib/msgpack.ts";
import {
  type Claim,
  claimFirmMs,
  type ClaimLedger,
  freshNamesPerHour,
} from "../../core/model/claims.ts";
import {
  peekRecord,
  readRecord,
  recordKey,
  type RecordPeek,
  type SignedRecord,
} from "../../core/model/record.ts";
import { kindOfNamespace } from "../../core/model/record_body.ts";
import { isWithdrawal } from "../../core/model/record_policy.ts";
import { countVotes, type Vote } from "../../core/model/vote.ts";
import type { Admission, Answer, Contact, StoredValue, StoreRequest } from "../kademlia/ports.ts";
import { PageQuota } from "./page_quota.ts";

/**
 * Names put to the vote for one network in an hour: a neighbour that hands over what it stores brings
 * hundreds, and each costs a question to k nodes.
 */
const voteSlotsPerHour = networkLimits(20, 60, 120);
const votesPerSlot = 100;

/**
 * Votes under way for one network: a node has room for 64 undecided stores, and holders that keep silent
 * make each vote take a second.
 */
const undecidedVotesMax = networkLimits(16, 24, 32);

const hourMs = 3_600_000;

/** Networks remembered: those that asked last. */
const networksMax = 8_192;

/** So many holders beside the sender, each in a network of its own, show that a claim is not fresh. */
const confirmationsMin = 2;

/** Holders of `public` asked whose a name is, and how many must say so, before all of them are asked. */
const fewHolders = 5;
const fewHoldersMin = 3;

/**
 * Senders asked for an answer at once. Forged senders never give one; without this bound they would
 * take all of the node's undecided admissions.
 */
const verificationsMax = 16;

/** How a {@linkcode ClaimAdmission} is built. */
export interface ClaimAdmissionOptions {
  /** The names accepted so far. */
  readonly ledger: ClaimLedger;
  /** Milliseconds that never step. */
  readonly monotonic: () => number;
  /** Asks so many holders of a key, or all k, for what they store under it. Never rejects. */
  readonly askNetwork: (
    key: Uint8Array,
    quorum: number | "all",
  ) => Promise<readonly Answer<SignedRecord>[]>;
  /** Whether a contact answers a request of ours, so that its address is no invention. Never rejects. */
  readonly verify: (contact: Contact) => Promise<boolean>;
  /** Which addresses are exempt from the limits by network. */
  readonly exemption: Exemption;
}

/** Decides by claims whether a valid record may be stored, and what goes first when room is short. */
export class ClaimAdmission implements Admission<SignedRecord> {
  readonly #options: ClaimAdmissionOptions;
  readonly #ledger: ClaimLedger;
  readonly #fresh: NetworkWindow;
  readonly #votes: NetworkWindow;
  readonly #undecided = new NetworkCounts(undecidedVotesMax);
  readonly #pages = new PageQuota();
  /** The decision under way for a name; a second store of the name waits for it. */
  readonly #deciding = new Map<string, Promise<boolean>>();
  #verifying = 0;

  /** An admission that has seen nothing yet. */
  constructor(options: ClaimAdmissionOptions) {
    this.#options = options;
    this.#ledger = options.ledger;
    const window = { time: options, periodMs: hourMs, networksMax };
    this.#fresh = new NetworkWindow({ ...window, limits: freshNamesPerHour });
    this.#votes = new NetworkWindow({ ...window, limits: voteSlotsPerHour, perSlot: votesPerSlot });
  }

  admit(
    request: StoreRequest<SignedRecord>,
    ask: () => Promise<Answer<SignedRecord>[]>,
  ): boolean | Promise<boolean> {
    const record = request.decoded;
    // A node that has not heard of a registration need not hear that it was taken back.
    if (isWithdrawal(record) && this.#ledger.get(record.username) === undefined) return false;
    const known = this.#byClaim(record);
    if (known !== undefined) return known && this.#keep(request.key, record);
    return this.#inTurn(record.username, async () => {
      const settled = this.#byClaim(record);
      const mine = settled ?? await this.#voteInBounds(request, ask);
      return mine && this.#keep(request.key, record);
    });
  }

  /** Since when this node knows the value's owner as the name's. */
  since(value: Uint8Array): number | undefined {
    return this.#claimOf(peekRecord(value))?.since;
  }

  /**
   * 0 for a value whose owner has no claim to the name. Then list pages, since an owner may have hundreds of
   * them: 1 for those of a young claim, or of an owner with many, 2 for others. Then the other records: 3
   * while the claim is young, 4 for `connections`, 5 for the two that make the account.
   */
  weight(stored: StoredValue): number {
    const names = peekRecord(stored.value);
    const claim = this.#claimOf(names);
    if (names === undefined || claim === undefined) return 0;
    const kind = kindOfNamespace(names.namespace);
    const isSettled = this.#ledger.settled(claim);
    if (kind === "page") return isSettled && !this.#pages.crowded(names.username) ? 2 : 1;
    if (!isSettled) return 3;
    return kind === "connections" ? 4 : 5;
  }

  /** The kind of namespace: records of one kind never take all of the room. */
  group({ value }: StoredValue): string | undefined {
    const names = peekRecord(value);
    return names && kindOfNamespace(names.namespace);
  }

  forget(key: Uint8Array, value: Uint8Array): void {
    const names = peekRecord(value);
    if (names !== undefined) this.#pages.remove(names.username, toHex(key));
  }

  /** Counts what is stored: at the start, and again every hour. */
  recount(values: Iterable<StoredValue>): void {
    this.#pages.clear();
    for (const { key, value, firstStoredAtMs } of values) {
      const names = peekRecord(value);
      if (names === undefined) continue;
      if (kindOfNamespace(names.namespace) === "page") {
        this.#pages.add(names.username, toHex(key));
      } else if (names.namespace === "public" && this.#ledger.get(names.username) === undefined) {
        // The claims were lost and the records were not.
        const record = attempt(() => readRecord(value).record);
        if (record === undefined || isWithdrawal(record)) continue;
        const { username, publicKey, expiresAt } = record;
        this.#ledger.enter({ username, key: publicKey, expiresAt, since: firstStoredAtMs });
      }
    }
  }

  /** The claim to the name, if it is that owner's. */
  #claimOf(names: RecordPeek | undefined): Claim | undefined {
    const claim = names && this.#ledger.get(names.username);
    return claim && equalBytes(claim.key, names.publicKey) ? claim : undefined;
  }

  /** What the claim known decides; undefined if the holders have to be asked. */
  #byClaim(record: SignedRecord): boolean | undefined {
    const claim = this.#ledger.get(record.username);
    if (claim === undefined) return undefined;
    if (equalBytes(claim.key, record.publicKey)) {
      if (isWithdrawal(record)) this.#ledger.release(record.username);
      this.#ledger.extend(record.username, record.expiresAt);
      return true;
    }
    const age = this.#ledger.ageMs(claim);
    return this.#ledger.settled(claim) || age < claimFirmMs ? false : undefined;
  }

  #keep(key: Uint8Array, record: SignedRecord): boolean {
    if (kindOfNamespace(record.namespace) !== "page") return true;
    return this.#pages.add(record.username, toHex(key));
  }

  /** Runs decisions on one name one after another. */
  async #inTurn(username: string, decide: () => Promise<boolean>): Promise<boolean> {
    const before = this.#deciding.get(username) ?? Promise.resolve(false);
    const decision = before.then(decide, decide);
    this.#deciding.set(username, decision);
    try {
      return await decision;
    } finally {
      if (this.#deciding.get(username) === decision) this.#deciding.delete(username);
    }
  }

  /** {@linkcode #vote}, unless the sender's networks have so many under way. */
  async #voteInBounds(
    request: StoreRequest<SignedRecord>,
    ask: () => Promise<Answer<SignedRecord>[]>,
  ): Promise<boolean> {
    const networks = request.own ? [] : this.#options.exemption.networksOf(request.from.ip);
    if (networks === undefined || !this.#undecided.add(networks)) return false;
    try {
      return await this.#vote(request, ask);
    } finally {
      this.#undecided.remove(networks);
    }
  }

  /** Asks the holders whose the name is, and follows their majority. */
  async #vote(
    request: StoreRequest<SignedRecord>,
    ask: () => Promise<Answer<SignedRecord>[]>,
  ): Promise<boolean> {
    const { from, own, decoded: record } = request;
    if (!own && !(await this.#real(request) && this.#take(this.#votes, from.ip))) return false;
    const { username, publicKey } = record;
    const isPublic = record.namespace === "public";
    const claims = isPublic
      ? this.#claimsIn(username, await ask())
      : await this.#claimsElsewhere(username);
    const mine = this.#ledger.get(username);
    const winner = this.#winner(username, claims, mine);
    if (winner === undefined) {
      if (!isPublic || !(own || this.#take(this.#fresh, from.ip))) return false;
      return this.#enter(request, record);
    }
    const agreed = equalBytes(winner.publicKey, publicKey);
    if (mine !== undefined && equalBytes(mine.key, winner.publicKey)) return agreed;
    if (!this.#confirmed(claims, winner.publicKey, request)) {
      if (!agreed) return false;
      if (!(own || this.#take(this.#fresh, from.ip))) return false;
    }
    return this.#enter(request, winner) && agreed;
  }

  /** Whether the sender is where it claims to be. */
  async #real({ from, verifiedSender }: StoreRequest<SignedRecord>): Promise<boolean> {
    if (verifiedSender) return true;
    if (this.#verifying >= verificationsMax) return false;
    this.#verifying++;
    try {
      return await this.#options.verify(from);
    } finally {
      this.#verifying--;
    }
  }

  /** The answers that vote on whose the name is: those of holders that say since when they know its owner. */
  #claimsIn(username: string, answers: readonly Answer<SignedRecord>[]): Voter[] {
    return answers.filter((answer): answer is Voter =>
      answer.since !== undefined && answer.decoded.username === username &&
      answer.decoded.namespace === "public"
    );
  }

  /**
   * The same for a record other than `public`, whose holders are elsewhere: a few of them if they agree,
   * else all. (Little hangs on it: readers have a pin, and the owner's next store is put to the vote.)
   */
  async #claimsElsewhere(username: string): Promise<Voter[]> {
    const key = recordKey(username, "public");
    const few = this.#claimsIn(username, await this.#options.askNetwork(key, fewHolders));
    const [first] = few;
    const agree = first !== undefined && few.length >= fewHoldersMin &&
      few.every(({ decoded }) => equalBytes(decoded.publicKey, first.decoded.publicKey));
    return agree ? few : this.#claimsIn(username, await this.#options.askNetwork(key, "all"));
  }

  /** The winner's record, or what is known of it. */
  #winner(
    username: string,
    claims: readonly Voter[],
    mine: Claim | undefined,
  ): Pick<SignedRecord, "publicKey" | "expiresAt" | "username"> | undefined {
    const votes: Vote[] = claims.map(({ decoded, since, contact }) => ({
      key: decoded.publicKey,
      since,
      networks: this.#options.exemption.networksOf(contact.ip) ?? [],
    }));
    if (mine !== undefined) votes.push({ key: mine.key, since: mine.since, networks: [] });
    const [key] = countVotes(username, votes);
    if (key === undefined) return undefined;
    const found = claims.find(({ decoded }) => equalBytes(decoded.publicKey, key))?.decoded;
    return found ?? { publicKey: key, expiresAt: mine?.expiresAt ?? 0, username };
  }

  /** Whether enough holders other than the sender say so that this is no fresh claim. */
  #confirmed(
    claims: readonly Voter[],
    key: Uint8Array,
    { from }: StoreRequest<SignedRecord>,
  ): boolean {
    const sender = this.#siteOf(from);
    const nets = new Set<string>();
    for (const { decoded, contact } of claims) {
      if (equalBytes(decoded.publicKey, key)) nets.add(this.#siteOf(contact));
    }
    nets.delete(sender);
    return nets.size >= confirmationsMin;
  }

  /** Takes one from the budget of the address's networks; false if none is left. */
  #take(window: NetworkWindow, ip: string): boolean {
    const networks = this.#options.exemption.networksOf(ip);
    return networks !== undefined && window.take(networks);
  }

  /** What one customer may hold, by name; where addresses are exempt each counts for itself. */
  #siteOf({ ip, port }: Contact): string {
    return siteOf(this.#options.exemption.networksOf(ip) ?? []) ?? `${ip} ${port}`;
  }

  #enter(
    request: StoreRequest<SignedRecord>,
    { username, publicKey, expiresAt }: Pick<SignedRecord, "publicKey" | "expiresAt" | "username">,
  ): boolean {
    const net = request.own ? "own" : this.#siteOf(request.from);
    return this.#ledger.enter({ username, key: publicKey, expiresAt, net });
  }
}

/** An answer of a holder that says since when it knows the owner. */
interface Voter extends Answer<SignedRecord> {
  readonly since: number;
}
