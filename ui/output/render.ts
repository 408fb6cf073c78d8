/**
 * Views as text for people. Whatever strangers wrote passes `safe_text.ts` here.
 *
 * @module
 */

import { type Hindrance, hindrances, udpBlocked } from "../../core/model/hindrance.ts";
import type {
  DeviceView,
  FollowView,
  PeerEvent,
  ProfileView,
  ReachView,
  StatusView,
  SuggestionView,
  UserView,
} from "../../core/api.ts";
import { ageOf, clashLine, type Look, widthAfter } from "./look.ts";
import { renderTold, unreadText } from "./render_notifications.ts";
import { renderPost } from "./render_post.ts";
import { renderAbout } from "./render_people.ts";
import { formatEndpoint } from "../../lib/host_port.ts";
import { type Paint, paintFor } from "../terminal/paint.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import { counted, followText } from "../views/words.ts";

/** Bytes, shortened. */
function formatBytes(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Name and fingerprint. */
export function renderUser(user: UserView, { paint }: Look): string {
  return `${paint.name(safeLine(user.username))} ${paint.dim(`(${user.fingerprint})`)}`;
}

/** What became of a follow or unfollow. */
export function renderFollow(view: FollowView, { paint }: Look): string {
  const name = safeLine(view.username);
  return followText({ ...view, username: name }, paint.name(name));
}

function nameList(label: string, names: readonly string[], look: Look): string {
  const text = names.length === 0 ? "none" : names.map(safeLine).join(", ");
  const lines = wrapText(text, widthAfter(16, look));
  const [first = "", ...rest] = lines;
  const head = `${`${label} ${names.length}`.padEnd(16)}${first}`;
  return [head, ...rest.map((line) => " ".repeat(16) + line)].join("\n");
}

/** A profile. */
export function renderProfile(profile: ProfileView, look: Look): string {
  const { paint } = look;
  const state = profile.online ? paint.good("online") : paint.dim("offline");
  const lines = [
    `${paint.bold(renderUser(profile, look))} · ${state} · ${counted(profile.posts, "post")}`,
    ...renderAbout(profile, look),
    ...(profile.unreachable === true
      ? [paint.dim("The network does not answer: followers and following are not known.")]
      : [
        nameList("followers", profile.followers, look),
        nameList("following", profile.following, look),
      ]),
  ];
  if (profile.clash !== undefined) {
    const name = safeLine(profile.username);
    lines.push(
      paint.warning(
        `${clashLine(profile.username, profile.clash)}. ` +
          `To trust the other instead: camellia follow ${name} --fingerprint ${profile.clash.other}`,
      ),
    );
  }
  if (profile.forks !== undefined && profile.forks > 0) {
    const posts = counted(profile.forks, "post");
    lines.push(
      paint.warning(`Published ${posts} twice with different content; the first was kept.`),
    );
  }
  return lines.join("\n");
}

/** The user's own devices, each with where it listens. */
export function renderDevices(devices: readonly DeviceView[], look: Look): string {
  if (devices.length === 0) {
    return "No device is announced: the network does not know where you are.";
  }
  return devices.map(({ device, this: isThis, addresses, until }) => {
    const name = look.paint.name(String(device).padStart(4));
    const where = addresses.map(safeLine).join(", ");
    const which = isThis ? "this device" : `until ${until.slice(11, 16)} UTC`;
    return `${name}  ${look.paint.dim(which.padEnd(15))}  ${where}`;
  }).join("\n");
}

/** Suggestions, each with its reason. */
export function renderSuggestions(suggestions: readonly SuggestionView[], look: Look): string {
  if (suggestions.length === 0) {
    return "No suggestions yet: they come with the users that you and others follow.";
  }
  const kinds = { know: "may know", interest: "may like", popular: "popular" } as const;
  return suggestions.map(({ username, kind, reason }) => {
    const name = look.paint.name(safeLine(username).padEnd(20));
    return `${name} ${look.paint.dim(kinds[kind].padEnd(9))} ${safeLine(reason)}`;
  }).join("\n");
}

/** Whether others reach this peer, and what to do where they do not. */
function reachLine({ reach, links }: Pick<StatusView, "reach" | "links">, paint: Paint): string {
  const { state, relays } = reach;
  if (state === "direct" || state === "mapped") return paint.good(directText(reach));
  if (state === "relayed") return paint.good(relayedText(relays));
  if (state === "unreachable") return paint.warning(unreachableText(links.listening?.port));
  return `not known yet: no other node has tried to connect${atText(reach.addresses)}`;
}

/** Where some addresses are. */
function atText(addresses: readonly { readonly ip: string }[]): string {
  const texts = addresses.map(({ ip }) => safeLine(ip));
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

function relayedText(relays: number): string {
  return `others reach you through ${counted(relays, "relay")}: your router lets no connection in`;
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

/** Why others do not reach this peer, and what to do. */
function unreachableText(port?: number): string {
  return `${unreachableWhy}. ${forwardText(port)}.`;
}

/** Whether others reach this peer, and apart from it what to do where they do not. */
export function reachText(
  status: Pick<StatusView, "reach" | "links">,
): { text: string; advice: string | null } {
  if (status.reach.state === "unreachable") {
    return { text: unreachableWhy, advice: forwardText(status.links.listening?.port) };
  }
  return { text: reachLine(status, paintFor(false)), advice: null };
}

/** Why no other node answers, and what to do, as one sentence or two. */
export function hindranceText(hindrance: Hindrance): string {
  return sentence(hindrances[hindrance]);
}

function sentence({ why, remedy }: { readonly why: string; readonly remedy: string }): string {
  return `${why.charAt(0).toUpperCase()}${why.slice(1)}. ${remedy}`;
}

/** Whether the node is in the network, by what, and why not. */
function networkLine(
  { joined, carrier, hindrance }: StatusView["node"],
  { paint }: Look,
): string {
  if (joined) {
    const way = carrier === "tcp" ? paint.warning(`: ${udpBlocked.why}. ${udpBlocked.remedy}`) : "";
    return paint.good("in the network") + way;
  }
  const { why, remedy } = hindrances[hindrance ?? "unknown"];
  return paint.warning(`not in a network: ${why}${hindrance === undefined ? "" : `. ${remedy}`}`);
}

function databaseLine({ posts, bytes, indexed }: StatusView["store"]): string {
  const index = indexed === undefined
    ? ""
    : `; the index for searches is being built, ${Math.floor(100 * indexed)} %`;
  return `${counted(posts, "post")}, ${formatBytes(bytes)}${index}`;
}

/** The state of a peer. */
export function renderStatus(status: StatusView, look: Look): string {
  const { node, user, links, clock, store } = status;
  const { paint } = look;
  const synced = clock.synced_at === null ? "" : `, set ${ageOf(clock.synced_at, look.now)}`;
  const posts = links.listening === null
    ? "not received before a user logs in"
    : `received on ${formatEndpoint(links.listening)} (TCP), ${counted(links.open, "link")} open`;
  const rows: readonly (readonly [string, string])[] = [
    ["user", user === null ? "no user is logged in" : renderUser(user, look)],
    ["network", `${networkLine(node, look)}; ${counted(node.contacts, "contact")}`],
    [
      "node",
      `${node.id} on ${formatEndpoint(node.udp)} (UDP), ${counted(node.records, "record")} held`,
    ],
    ["posts", posts],
    ["reach", reachLine(status, paint)],
    [
      "clock",
      `${clock.source}, ${clock.offset_ms >= 0 ? "+" : ""}${
        Math.round(clock.offset_ms)
      } ms${synced}`,
    ],
    ["database", databaseLine(store)],
    ["pending", counted(status.pending, "pending follow request")],
    ["unread", unreadText(status.unread) || "nothing"],
    [
      "process",
      `version ${status.process.version}, pid ${status.process.pid}, up ${
        counted(Math.floor(status.process.uptime_s), "second")
      }`,
    ],
  ];
  return rows.map(([label, value]) => `${paint.dim(label.padEnd(11))} ${value}`).join("\n");
}

/** A change of how others reach this peer. */
function renderReach(reach: ReachView, { paint }: Look): string {
  const { state, relays, addresses } = reach;
  if (state === "unknown") {
    return addresses.length === 0
      ? "Others have not told yet where they see you"
      : `Others see you${atText(addresses)}`;
  }
  if (state === "unreachable") return paint.warning(`O${unreachableText().slice(1)}`);
  const text = state === "relayed" ? relayedText(relays) : directText(reach);
  return paint.good(`O${text.slice(1)}`);
}

/** The network was found or lost, or the way to it has changed. */
function renderNetwork(
  { joined, contacts, carrier, hindrance }: PeerEvent & { readonly event: "network" },
  { paint }: Look,
): string {
  if (joined && carrier === "tcp") return paint.warning(sentence(udpBlocked));
  if (joined) return paint.good(`In the network with ${counted(contacts, "contact")}`);
  return paint.warning(
    hindrance === undefined
      ? "No node of the network answers; trying on"
      : `${hindranceText(hindrance)}; trying on`,
  );
}

/** One line, or for a post several, that tell of an event. */
export function renderEvent(event: PeerEvent, look: Look): string {
  const { paint } = look;
  const name = (text: string) => paint.name(safeLine(text));
  switch (event.event) {
    case "post":
      return renderPost(event.post, look);
    case "notification":
    case "request":
      return renderTold(event, look);
    case "thread":
      return `More of the thread ${safeLine(event.root.author)}/${
        safeLine(event.root.id)
      } has come`;
    case "deleted":
      return `${name(event.author)} took the post ${safeLine(event.id)} back`;
    case "follower":
      return `${name(event.username)} ${event.following ? "follows you" : "no longer follows you"}`;
    case "invited":
      return `${name(event.username)} used your invite: you follow each other`;
    case "network":
      return renderNetwork(event, look);
    case "reach":
      return renderReach(event, look);
    case "clock":
      return event.source === "ntp"
        ? `Clock set by NTP: ${Math.round(event.offset_ms)} ms`
        : paint.warning("No NTP server answers; using the system's clock");
    case "clash":
      return paint.warning(clashLine(event.username, event));
    case "fork":
      return paint.warning(
        `${
          safeLine(event.author)
        } published two posts as number ${event.number}; the first was kept`,
      );
    case "login":
      return `Logged in as ${renderUser(event.user, look)}`;
    case "logout":
      return event.why === undefined
        ? `Logged out ${name(event.username)}`
        : paint.warning(safeLine(event.why.message));
    case "warning":
      return paint.warning(safeLine(event.message));
  }
}
