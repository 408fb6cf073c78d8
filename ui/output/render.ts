/**
 * Views as text for people. Whatever strangers wrote passes `safe_text.ts` here.
 *
 * @module
 */

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
import { clashLine, type Look, widthAfter } from "./look.ts";
import { renderTold } from "./render_notifications.ts";
import { renderPost } from "./render_post.ts";
import { renderAbout } from "./render_people.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import {
  hindranceText,
  reachChangeText,
  statusLines,
  udpBlockedText,
} from "../views/status_words.ts";
import { counted, countsText, followText } from "../views/words.ts";

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
    `${paint.bold(renderUser(profile, look))} · ${state} · ${countsText(profile)}`,
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

/** The state of a peer. */
export function renderStatus(status: StatusView, { paint, now }: Look): string {
  const painted = { plain: (text: string) => text, good: paint.good, warning: paint.warning };
  return statusLines(status, now).map(({ label, text, tone }) =>
    `${paint.dim(label.padEnd(11))} ${painted[tone](safeLine(text))}`
  ).join("\n");
}

/** A change of how others reach this peer. */
function renderReach(reach: ReachView, { paint }: Look): string {
  const { text, tone } = reachChangeText(reach);
  return tone === "plain" ? safeLine(text) : paint[tone](safeLine(text));
}

/** The network was found or lost, or the way to it has changed. */
function renderNetwork(
  { joined, contacts, carrier, hindrance }: PeerEvent & { readonly event: "network" },
  { paint }: Look,
): string {
  if (joined && carrier === "tcp") return paint.warning(udpBlockedText());
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
