/**
 * Every number of the DHT, once, with its reason.
 *
 * @module
 */

import { networkLimits } from "../../lib/networks.ts";

/** Bytes of an id, a key and a message id: 160 bits (section 2.1). */
export const idBytes = 20;
/** Bits of an id. */
export const idBits = 160;

/** Contacts a bucket, holders a value (section 2.2: 20 nodes are very unlikely to fail in one hour). */
export const bucketSize = 20;
/** Queries of one lookup in flight (section 2.3 proposes 3). */
export const alphaDefault = 3;
/**
 * Queries to nodes near the target in flight besides, of a lookup in a hurry for the k closest: nearly all of
 * those nodes have to be asked anyway. The answers, a kilobyte each, fill a tenth of a socket's buffer.
 */
export const nearAtOnce = 12;
/** Disjoint paths of a lookup for records. */
export const pathsDefault = 3;
/**
 * Holders of each family at least, where a node has both: readers and writers of one family see those
 * alone, and a few of them may be gone.
 */
export const holdersPerFamilyMin = 8;

/** S/Kademlia sees no gain beyond 8 paths, and each is one bit of a small integer. */
export const pathsMax = 8;
/** Holders whose answers make a read: two outvote one that is stale or lies. */
export const quorumDefault = 3;

/** Longest body of a request: rpcudp's limit, which every Python node enforces. */
export const requestBytesMax = 8_192;
/** Longest value: leaves a store request 192 bytes for method, ids and headers. */
export const valueBytesMax = 8_000;
/** Longest datagram read: a value with headers fits, and a socket's buffer of 16 KB holds it. */
export const datagramBytesMax = 16_384;
/** First byte of a request. */
export const requestKind = 0;
/** First byte of an answer. */
export const responseKind = 1;
/** What stands before the body of a datagram: one byte for the kind, and the message id. */
export const headerBytes = 1 + idBytes;
/** Longest body of a datagram. */
export const bodyBytesMax = datagramBytesMax - headerBytes;
/** Longest `sample` answer: with framing, IP and UDP headers it fits one Ethernet or IPv6 packet. */
export const sampleBytesMax = 1_200;
/** Deepest nesting accepted in an answer; Camellia's sample has 3. */
export const nestingMax = 8;
/** Contacts read from one answer. Nodes send k = 20; a list three times as long has no honest reason. */
export const contactsPerAnswerMax = 64;
/** Longest textual IP address: IPv6 with embedded IPv4 and a zone is refused beyond 45 characters. */
export const ipCharsMax = 45;

/**
 * Contacts of one network in a bucket: two of a /24, /64 or /56, which any customer gets; few more of a
 * /16 or /48, which one customer may hold; and of an IPv6 /32, which is a provider.
 */
export const networkPerBucketMax = networkLimits(2, 4, 8);
/** The same in the whole table. */
export const networkPerTableMax = networkLimits(10, 20, 40);
/** The same among a lookup's k: of 20, a whole /48 gets 3. */
export const networkPerLookupMax = networkLimits(2, 3, 6);
/** In a full bucket, an entry heard of lately is very likely alive (the paper's figure 1): 15 minutes. */
export const staleMs = 900_000;
/** Replacement cache of a bucket: half a bucket replaces a silent death of every other contact. */
export const replacementsMax = 10;

/**
 * RFC 6298 bounds, adapted. A busy process answers in 10 ms and more; no search waits for so long for what
 * others overtook.
 */
export const timeoutMsMin = 20;
export const timeoutMsMax = 2_000;
/** The timeout before any reply was seen (RFC 6298 section 2.1). */
export const timeoutMsInitial = 1_000;
/** How long an answer past its timeout still counts: then its request is forgotten. */
export const lateAnswerMsMax = 2_000;
/**
 * How long an answer to a store may take, one a try: many round trips, but a short wait. In a network of few
 * nodes the put waits for each; of a hundred lines that lose 5 % each way one loses two tries. The sum is
 * {@link storeTimeoutMs}.
 */
export const storeTriesMs: readonly number[] = [300, 600, 1_600];
/** A store is given up after this long: the holder may first ask other holders (admission). */
export const storeTimeoutMs = 2_500;
/**
 * Where a smaller share of queries was answered in time lately, dead nodes are to be expected: one in thirty was
 * not, or one of the last ten.
 */
export const liveRateMin = 0.97;
/** Requests in flight of one node: 50 puts at once; beyond it new ones fail at once. */
export const openRequestsMax = 1_024;
/** Queries of one lookup: ten times what a healthy network takes, so that no liar prolongs it at will. */
export const queriesPerLookupMax = 256;
/** Contacts that one lookup remembers: every query may teach it a few. */
export const candidatesPerLookupMax = 1_024;
/**
 * A lookup believes the k closest that it has found while this share of k is near enough. Liars who name
 * only one another are too few there: a fifth of all nodes is a fifth of the near ones, too.
 */
export const nearShareMin = 0.65;
/** Queries that a lookup sends because it doubts: where chance left a gap they find nothing. */
export const doubtsMax = 20;
/**
 * The same of a lookup for the k closest where a node does not know yet how dense the network is: most newcomers
 * join through a few nodes, and each that named others has a turn or two.
 */
export const doubtsAtFirst = 6;
/**
 * Nodes beyond so many times the holders' distance store no value: they do out to twice it, and may be wrong
 * about how dense the network is.
 */
export const storedWithin = 4;
/** So many that send a value from beyond, or a forged one, are outvoted each by one more holder of a read. */
export const outvotedMax = 2;
/** Within this share of the holders' distance, two thirds of k are expected, and seldom over k. */
export const crowdedShare = 0.55;
/** A crowd around a key makes up to this many times k its holders: more cost too many datagrams. */
export const crowdFactorMax = 3;
/** Rings around a key, each half as wide as the one around it: the last is the innermost sixteenth. */
export const crowdRings = 5;
/** Of a crowd twice as many nodes of a ring count as are to be expected there, and so many more. */
export const ringAllowance = 2;
/** So many of the nearest in the innermost ring, where one or two are to be expected, were placed there. */
export const siegeMin = 9;
/** Where an attacker has placed nodes around a key, others up to this share of the holders' distance count. */
export const besiegedShare = 0.8;
/** Verifying pings in flight: a full bucket and its cache at once. */
export const verificationsMax = 32;
/**
 * A contact that failed verification is left alone so long, and twice as long after each further failure: its
 * process may have stood still for a moment, or it may not exist.
 */
export const verifyAgainMs = { min: 4_000, max: 60_000 };
/**
 * A contact that has never answered and left a query unanswered so lately is most likely gone, and others
 * may name it for minutes: it is given a part of the usual time, lest every lookup waits for it anew. Its late
 * answer counts all the same.
 */
export const muteMsMax = 30_000;
/** That part. */
export const muteShare = 1 / 4;
/** Such contacts remembered. */
export const mutesMax = 512;
/** Addresses remembered as failed verification. */
export const unverifiableMax = 1_024;

/** Requests a second from one address, and the burst: five times what a busy peer sends one node. */
export const requestsPerSecond = 200;
export const requestBurst = 400;
/** Bytes a second to an address that never answered. */
export const unverifiedBytesPerSecond = 20_000;
/** An answer of up to so many times its request is no means of a flood in a forged sender's name. */
export const answerFactorMax = 3;
/**
 * Bytes of answers beyond that to one address at once, which come back within the period: a lookup takes a
 * node 600 bytes, a reader of long lists some pages of 8 KB.
 */
export const excessBytesMax = 65_536;
export const excessPeriodMs = 16_000;
/** The same for whole networks, all of whose addresses may be forged in turns. */
export const excessBytesPerNetwork = networkLimits(262_144, 1_048_576, 4_194_304);
/** Contacts named where nothing is left of that: so many are at most three times what asks for them. */
export const contactsWhenShort = 3;
/** Addresses whose rates are remembered. */
export const rateEntriesMax = 4_096;
/** Addresses remembered as having answered. */
export const answeredAddressesMax = 4_096;

/** Values stored, and their bytes: 20,000 records of a full packet fit the bytes. */
export const storedValuesMax = 20_000;
export const storedBytesMax = 32 * 1_024 * 1_024;
/** What a value is taken to cost beside its own bytes. */
export const storedOverheadBytes = 200;
/** Stored this long a value counts as established (one day) and never goes before a fresh one. */
export const establishedMs = 86_400_000;
/**
 * Shares of the bounds that the values brought by one network have when room is short: a holder's some
 * twenty neighbours bring a twentieth each.
 */
export const networkShareMax = networkLimits(1 / 16, 1 / 8, 1 / 4);
/** The same for one group of values, such as a namespace. */
export const groupShareMax = 0.5;
/** Eviction frees this share of the bound at once, so that its scan is rare. */
export const evictionShare = 0.01;
/** Admissions undecided at once: each asks up to k other holders. */
export const admissionsMax = 64;
/** An admission undecided after this long counts as refused: the putter gives up at 2.5 s. */
export const admissionMsMax = 2_000;
/**
 * How long an admission waits for another holder, a try each: that many timeouts of the contact, within
 * the bounds. In all well under `admissionMsMax`, so that a few dead contacts do not make every answer
 * too late; more than one timeout, because a vote is worth waiting for and late answers count.
 */
export const admissionTries: readonly AdmissionTry[] = [
  { timeouts: 4, msMin: 50, msMax: 400 },
  { timeouts: 8, msMin: 100, msMax: 600 },
];

/** One try of an admission to hear another holder. */
export interface AdmissionTry {
  /** How many timeouts of the contact it lasts. */
  readonly timeouts: number;
  /** It lasts so many milliseconds at least … */
  readonly msMin: number;
  /** … and at most. */
  readonly msMax: number;
}

/** A bucket untouched this long is refreshed; values are replicated as often (section 2.3, 2.5). */
export const refreshMs = 3_600_000;
export const replicateMs = 3_600_000;
/** Replication and refresh start at a random point of this share of the hour, so that nodes differ. */
export const upkeepJitterShare = 0.2;
/** Expired values are swept this often; readers never meet one, as it is checked when read. */
export const sweepMs = 60_000;
/** Contacts are saved this often, changed values at most this late. */
export const saveContactsMs = 300_000;
export const saveValuesMs = 1_000;
/** Values saved in one batch: Deno KV and its like take 1,000 changes and 800 KB. */
export const saveBatchMax = 500;
export const saveBatchBytesMax = 400_000;
/** Stored values looked at for a newcomer before other work gets a turn. */
export const upkeepSliceMax = 500;
/** Stores of the hand-over in flight: below a receiver's kernel buffer of 166 datagrams. */
export const transfersInFlightMax = 8;
/** Transfers waiting: two full stores of values. The hourly replication makes up for those dropped. */
export const transfersQueuedMax = 40_000;
/** A newcomer answers for this long before values are handed over to it. */
export const newcomerStaysMs = 180_000;
/**
 * Bytes handed over to one network within an hour: what a newcomer is to hold comes from some twenty
 * neighbours, and the hourly replication brings the rest.
 */
export const handOverBytesPerNetwork = networkLimits(262_144, 1_048_576, 4_194_304);
export const handOverPeriodMs = 3_600_000;
/** Networks whose hand-over is remembered. */
export const handOverNetworksMax = 4_096;
/** Newcomers waiting for hand-over. */
export const newcomersMax = 256;
/** How long a value lives under the policy that stores anything: a day. Python nodes keep it a week. */
export const anythingLivesMs = 86_400_000;

/** Contacts asked for a `stun` majority or a sample. */
export const stunContacts = 8;
export const sampleContacts = 8;
/** Nodes remembered that others do not reach: enough to put a small question to, where no others are there. */
export const acquaintancesMax = 64;
/** For so long after its last request such a node may be asked; a peer asks for its address every 30 s. */
export const acquaintanceMsMax = 120_000;
/** Contacts asked for a relay: of those that others reach, a few relay and have room. */
export const relayContacts = 24;
/** Contacts asked to dial back: of 8 enough answer, even where most are Python nodes. */
export const dialBackContacts = 8;
/** The answers to it that decide: two outvote one that lies or has a broken link. */
export const dialBackVotes = 3;
/**
 * How long its answer may take, one a try: a node that does not know this one yet pings it first, and
 * answers the second time, or a later one where a ping is lost or both are busy; what takes a connection and
 * says nothing takes the node 2.5 s. What is asked meanwhile makes no second connection.
 */
export const dialBackTimeoutsMs: readonly number[] = [200, 300, 500, 2_000];
/** Bootstrap addresses tried in one call, and addresses taken from one name. */
export const bootstrapAddressesMax = 64;
/**
 * Buckets, from the far end, into which a newcomer looks up: these lookups teach it the density. The others are
 * filled with what contacts know.
 */
export const lookupsPerJoin = 1;
/** Contacts asked what they know of a bucket: one that lies names a quarter of it, unless others know less. */
export const fillersAsked = 4;
/** Contacts of an earlier run greeted at once: a table of thousands of nodes has some 200. */
export const savedContactsMax = 256;
/** Once one bootstrap node has answered, the others get this long: most round trips are shorter. */
export const otherGreetingsMs = 300;
/**
 * How long a bootstrap node may be silent, one a try, 3 s in all. UDP may lose a datagram, and a newcomer
 * has no other node to ask: of a hundred datagrams lost by chance 5 are common on bad wireless links.
 */
export const bootstrapTimeoutsMs: readonly number[] = [250, 350, 500, 500, 600, 800];
/**
 * The same for a contact that is asked whether it is still there; it is evicted if it is not. Answers
 * count until the end, so that the short waits harm no contact that is far away.
 */
export const checkTimeoutsMs: readonly number[] = [500, 500, 1_000];
/** Contacts that a node tells that it ends: those that may ask it for keys near its id, and more. */
export const toldMax = 128;
/** A contact that is to enter is asked so often: no more, because others' addresses may be named as its own. */
export const verifyTries = 2;
