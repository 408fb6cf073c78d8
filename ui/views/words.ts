/**
 * What screens, page and commands say alike: times, counts and sentences.
 *
 * @module
 */

import type { ClashView, FollowView, ProfileView, ThreadView } from "../../core/api.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** A time that has passed, in words; undefined beyond a week. The future counts as now. */
function passed(ageMs: number): string | undefined {
  if (ageMs < minuteMs) return "just now";
  if (ageMs < hourMs) return `${Math.floor(ageMs / minuteMs)} min`;
  if (ageMs < dayMs) return `${Math.floor(ageMs / hourMs)} h`;
  if (ageMs < 2 * dayMs) return "yesterday";
  return ageMs < 7 * dayMs ? `${Math.floor(ageMs / dayMs)} days` : undefined;
}

/** How long ago a time is, as short as a list wants it: `just now`, `5 min`, `3 h`, `yesterday`, `4 days`, a date. */
export function shortAge(iso: string, nowMs: number): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return "at an unknown time";
  return passed(nowMs - time) ?? localDate(new Date(time));
}

/**
 * How long ago, in words up to a week and as a date beyond; the future counts as now. Without a `now`
 * the time itself in ISO 8601.
 */
export function ageOf(iso: string, now: number | undefined): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return "at an unknown time";
  if (now === undefined) return new Date(time).toISOString();
  const words = passed(now - time);
  if (words !== undefined) return /^[0-9]/.test(words) ? `${words} ago` : words;
  return new Date(time).toISOString().slice(0, 16).replace("T", " ") + " UTC";
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function localDate(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Since when, by the clock on the wall: `21:34` of today, else with the date before it. */
export function clockTime(iso: string, nowMs: number): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "an unknown time";
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const day = localDate(date);
  return day === localDate(new Date(nowMs)) ? time : `${day} ${time}`;
}

/** So many of something: `1 post`, `2 posts`, `3 replies`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** How many posts, and how many followers where only some of them are named. */
export function countsText({ posts, listed }: ProfileView): string {
  const text = counted(posts, "post");
  return listed === undefined
    ? text
    : `${text}, ${counted(listed.followers, "follower")} of whom some are named`;
}

/** So many posts are something. */
function countText(count: number, what: string): string {
  return `${count} ${count === 1 ? `post is ${what}` : `posts are ${what}`}`;
}

/** Says how many posts the user's mutes and blocks hide, at least one. */
export function hiddenText(hidden: number): string {
  return countText(hidden, "hidden by your mutes");
}

/** One line on what is not among the posts of a thread that are shown; empty where nothing is left out. */
export function leftOutText(
  { missing, hidden = 0 }: Pick<ThreadView, "missing" | "hidden">,
): string {
  const parts = [
    ...missing > 0 ? [countText(missing, "not here")] : [],
    ...hidden > 0 ? [hiddenText(hidden)] : [],
  ];
  return parts.join("; ");
}

/** Says what share of the posts a search knows while the index is being built. */
export function indexedText(indexed: number): string {
  return `The index is being built: the newest ${
    Math.floor(100 * indexed)
  } % of the posts were searched.`;
}

/** What became of a follow or unfollow; `name`: the username as it is to be shown. */
export function followText(view: FollowView, name: string = view.username): string {
  if (view.already && view.acknowledged) return `You follow ${name} already.`;
  if (view.refused) {
    return `You follow ${name}, who does not want that: what they post is not sent to you.`;
  }
  const what = view.following ? "You follow" : "You no longer follow";
  const notice = view.acknowledged
    ? "."
    : `. ${view.username} does not know yet: the request goes out again until it is acknowledged.`;
  return `${what} ${name}${notice}`;
}

/** What became of a delete of so many posts. */
export function deletedText(count: number): string {
  const what = count === 1 ? "The post is" : `${count} posts are`;
  return `${what} deleted. Peers that have it are asked to forget it; they cannot be made to.`;
}

/** Says that another key claims a name, and which key the user trusts. */
export function clashText(username: string, { pinned, other }: ClashView): string {
  return `Another key (${other}) claims the name ${username}; you trust ${pinned}`;
}
