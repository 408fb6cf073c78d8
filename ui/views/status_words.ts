/**
 * The state of a peer in words: how others reach it, whether it is in the network, and all of it line by line.
 *
 * @module
 */

import type { ReachView, StatusView, UnreadView } from "../../core/api.ts";
import { type Hindrance, hindrances, udpBlocked } from "../../core/model/hindrance.ts";
import { formatEndpoint } from "../../lib/host_port.ts";
import { ageOf, counted } from "./words.ts";

/** How a line of the state is to be taken. */
export type Tone = "plain" | "good" | "warning";

/** A line of the state. */
export interface StatusLine {
  /** What it is about, one word. */
  readonly label: string;
  /** What there is to say, unfiltered. */
  readonly text: string;
  /** How it is to be taken. */
  readonly tone: Tone;
}

/** A sentence, how it is to be taken, and what to do. */
export interface ReachText {
  /** Whether others reach this peer, as the middle of a sentence. */
  readonly text: string;
  /** What to do, as a sentence without its end; null where there is nothing to do. */
  readonly advice: string | null;
  /** How it is to be taken. */
  readonly tone: Tone;
}

/** Bytes, shortened. */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Where some addresses are. */
function atText(addresses: readonly { readonly ip: string }[]): string {
  const texts = addresses.map(({ ip }) => ip);
  return texts.length === 0 ? "" : ` at ${texts.join(" and ")}`;
}

/** That others connect to this peer, and what is for those that do not get to it there. */
function directText({ state, relays, addresses }: ReachView): string {
  const at = atText(addresses.filter(({ reached }) => reached));
  const not = atText(addresses.filter(({ reached }) => reached === false));
  const why = state === "mapped" ? ", because your router lets them in as it was asked to" : "";
  const others = relays > 0
    ? `, and through ${counted(relays, "relay")} where they cannot`
    : not === ""
    ? ""
    : `, but not${not}`;
  return `others reach you directly${at}${why}${others}`;
}

/** That others reach this peer through relays, and why: that no node has said is no "no". */
function relayedText({ relays, addresses }: ReachView): string {
  const through = `others reach you through ${counted(relays, "relay")}`;
  if (addresses.some(({ reached }) => reached)) return `${through} alone, as your settings say`;
  return addresses.some(({ reached }) => reached === false)
    ? `${through}: your router lets no connection in`
    : `${through}; whether they can connect directly is not known yet`;
}

const unreachableWhy = "others cannot connect to you, so what they send does not arrive: your " +
  "router or firewall lets no connection in, and no relay is found";

/** What to do where others do not reach this peer. */
function forwardText(port?: number): string {
  const which = port === undefined
    ? "the TCP port of [DEFAULT] LISTENING_PORT"
    : `TCP port ${port}`;
  return `Forward ${which} to this machine there`;
}

/** Whether others reach this peer, and apart from it what to do where they do not; `port`: where posts come in. */
export function reachText(reach: ReachView, port?: number): ReachText {
  switch (reach.state) {
    case "direct":
    case "mapped":
      return { text: directText(reach), advice: null, tone: "good" };
    case "relayed":
      return { text: relayedText(reach), advice: null, tone: "good" };
    case "unreachable":
      return { text: unreachableWhy, advice: forwardText(port), tone: "warning" };
    case "unknown": {
      const at = atText(reach.addresses);
      const text = `not known yet: no other node has tried to connect${at}`;
      return { text, advice: null, tone: "plain" };
    }
  }
}

/** A change of how others reach this peer, as a sentence. */
export function reachChangeText(reach: ReachView): { readonly text: string; readonly tone: Tone } {
  if (reach.state === "unknown") {
    const text = reach.addresses.length === 0
      ? "Others have not told yet where they see you"
      : `Others see you${atText(reach.addresses)}`;
    return { text, tone: "plain" };
  }
  const { text, advice, tone } = reachText(reach);
  const whole = advice === null ? text : `${text}. ${advice}.`;
  return { text: `O${whole.slice(1)}`, tone };
}

/** Why no other node answers, and what to do, as one sentence or two. */
export function hindranceText(hindrance: Hindrance): string {
  return sentence(hindrances[hindrance]);
}

/** What to know and do where nodes answer by TCP alone. */
export function udpBlockedText(): string {
  return sentence(udpBlocked);
}

function sentence({ why, remedy }: { readonly why: string; readonly remedy: string }): string {
  return `${why.charAt(0).toUpperCase()}${why.slice(1)}. ${remedy}`;
}

/** Whether the node is in the network and others reach the peer, as short as a title wants it. */
export function networkText(
  { node, reach }: Pick<StatusView, "node" | "reach">,
): { readonly text: string; readonly tone: Tone } {
  const alone = {
    no_network: "no network",
    no_udp: "no UDP gets out",
    no_node: "no other node yet",
  };
  if (!node.joined) return { text: alone[node.hindrance ?? "no_node"], tone: "warning" };
  const peers = counted(node.contacts, "peer");
  if (reach.state === "unreachable") return { text: `${peers} ⇅ not reachable`, tone: "warning" };
  if (reach.state === "unknown") return { text: `${peers} ⇅ …`, tone: "plain" };
  return { text: `${peers} ⇅ ${reach.state === "relayed" ? "by relays" : "ok"}`, tone: "good" };
}

/** Whether the node is in the network, by what, and why not. */
function networkLine({ joined, carrier, hindrance, contacts }: StatusView["node"]): StatusLine {
  const known = counted(contacts, "contact");
  if (joined && carrier === "tcp") {
    const text = `in the network: ${udpBlocked.why}. ${udpBlocked.remedy}; ${known}`;
    return { label: "network", text, tone: "warning" };
  }
  if (joined) return { label: "network", text: `in the network; ${known}`, tone: "good" };
  const { why, remedy } = hindrances[hindrance ?? "unknown"];
  const what = hindrance === undefined ? "" : `. ${remedy}`;
  const text = `not in a network: ${why}${what}; ${known}`;
  return { label: "network", text, tone: "warning" };
}

function databaseText({ posts, bytes, indexed }: StatusView["store"]): string {
  const index = indexed === undefined
    ? ""
    : `; the index for searches is being built, ${Math.floor(100 * indexed)} %`;
  return `${counted(posts, "post")}, ${formatBytes(bytes)}${index}`;
}

/** What has not been read, in words; empty where everything has. */
export function unreadText({ posts, notifications, requests }: UnreadView): string {
  const counts: readonly (readonly [number, string])[] = [
    [posts, "post"],
    [notifications, "notification"],
    [requests, "request"],
  ];
  return counts.filter(([count]) => count > 0).map(([count, one]) =>
    `${count >= 1_000 ? "1000 or more" : count} ${one}${count === 1 ? "" : "s"}`
  ).join(", ");
}

function clockText({ clock }: StatusView, now: number | undefined): string {
  const synced = clock.synced_at === null ? "" : `, set ${ageOf(clock.synced_at, now)}`;
  const sign = clock.offset_ms >= 0 ? "+" : "";
  return `${clock.source}, ${sign}${Math.round(clock.offset_ms)} ms${synced}`;
}

/** The state of a peer, line by line. `now`: Unix ms; undefined where times are exact. */
export function statusLines(status: StatusView, now: number | undefined): StatusLine[] {
  const { node, user, links, store, process } = status;
  const plain = (label: string, text: string): StatusLine => ({ label, text, tone: "plain" });
  const reach = reachText(status.reach, links.listening?.port);
  const udp = formatEndpoint(node.udp);
  return [
    plain(
      "user",
      user === null ? "no user is logged in" : `${user.username} (${user.fingerprint})`,
    ),
    networkLine(node),
    plain("node", `${node.id} on ${udp} (UDP), ${counted(node.records, "record")} held`),
    plain(
      "posts",
      links.listening === null
        ? "not received before a user logs in"
        : `received on ${formatEndpoint(links.listening)} (TCP), ${
          counted(links.open, "link")
        } open`,
    ),
    {
      label: "reach",
      text: reach.advice === null ? reach.text : `${reach.text}. ${reach.advice}.`,
      tone: reach.tone,
    },
    plain("clock", clockText(status, now)),
    plain("database", databaseText(store)),
    plain("pending", counted(status.pending, "pending follow request")),
    plain("unread", unreadText(status.unread) || "nothing"),
    plain(
      "process",
      `version ${process.version}, pid ${process.pid}, up ${
        counted(Math.floor(process.uptime_s), "second")
      }`,
    ),
  ];
}
