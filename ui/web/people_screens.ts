/**
 * The screens on people: lists of users, and profiles.
 *
 * @module
 */

import type { FollowedView, ProfileView, SuggestionView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { isUsername } from "../../core/model/username.ts";
import { safeText } from "../terminal/safe_text.ts";
import { peopleEmptyTexts } from "../views/people.ts";
import { profileDetails } from "../views/profile.ts";
import { offer, type Relations, relationWords } from "../views/relations.ts";
import type { Screen } from "./layout.ts";
import { type Html, markup } from "./markup.ts";
import { postsHtml, type Reader, timeHtml } from "./post_html.ts";
import { type Making, postsMax } from "./screens.ts";
import { lineHtml, nameHtml, spansHtml } from "./text_html.ts";
import { userButton, userButtons } from "./user_buttons.ts";

/** What is shown while others are asked; a browser without scripts follows the link. */
export function asking(full: string): Html {
  return markup`<p class="none"><a href="${full}">Asking others …</a></p>`;
}

/** Whether a user can be reached, as a dot and in words. */
function onlineHtml(isOnline: boolean): Html {
  return isOnline
    ? markup`<span class="online">● online</span>`
    : markup`<span class="offline">○ offline</span>`;
}

/** A fingerprint. */
function keyHtml(fingerprint: string): Html {
  return markup`<span class="key">key <code>${fingerprint}</code></span>`;
}

function personHtml(
  { username, online, name, fingerprint }: FollowedView,
  { reader, desk }: Making,
  list: "followers" | "following",
): Html {
  const { relations } = desk;
  const relation = { ...relations.of(username), ...list === "followers" && { followsYou: true } };
  const offers = [
    ...relations.offers(username).slice(0, 1),
    ...list === "followers" ? [offer("removeFollower")] : [],
  ];
  return markup`<li class="person" tabindex="0" data-name="${username}"><span>${
    nameHtml(username, reader, name)
  }</span><span class="does">${userButtons(offers, username)}</span><span class="facts">${
    onlineHtml(online)
  } <span>${relationWords(relation)}</span> ${keyHtml(fingerprint)}</span></li>`;
}

function suggestedHtml({ username, reason }: SuggestionView, reader: Reader): Html {
  return markup`<li class="person" tabindex="0" data-name="${username}"><span>${
    nameHtml(username, reader)
  }</span><span class="does">${userButton(offer("follow"), username)}</span><span class="facts">${
    lineHtml(reason)
  }</span></li>`;
}

/** Names of followers and followed users that a profile unfolds at most. */
const namesMax = 500;

const lists = [
  ["following", "Following"],
  ["followers", "Followers"],
  ["suggestions", "Suggestions"],
  ["hidden", "Muted and blocked"],
] as const;

async function listOf(
  making: Making,
  { list, signal }: { list: string; signal: AbortSignal },
): Promise<Html[]> {
  const { api, reader, desk } = making;
  if (list === "suggestions") {
    return (await api.suggest(signal)).map((each) => suggestedHtml(each, reader));
  }
  if (list === "hidden") {
    const [mutes, blocks] = await Promise.all([api.mutes(), api.blocks()]);
    return [
      ...mutes.map(({ kind, what, until }) =>
        markup`<li class="person"><span><span class="did">muted ${kind}</span> ${lineHtml(what)}${
          until === null ? "" : markup` <span class="did">until ${timeHtml(until, reader)}</span>`
        }</span><span class="does"><button class="act" data-do="unmuteWhat" data-what="${what}" data-kind="${kind}">Show again</button></span></li>`
      ),
      ...blocks.map((username) =>
        markup`<li class="person"><span><span class="did">blocked</span> ${
          nameHtml(username, reader)
        }</span><span class="does">${userButton(offer("unblock"), username)}</span></li>`
      ),
    ];
  }
  const which = list === "followers" ? "followers" : "following";
  const people = await api.people({ list: which }, signal);
  for (const { username, name } of people) desk.learnName(username, name);
  if (which === "followers") desk.relations.learnFollowers(people.map(({ username }) => username));
  return people.map((person) => personHtml(person, making, which));
}

/** What to say where a list is empty. */
const emptyTexts: Readonly<Record<string, string>> = {
  ...peopleEmptyTexts,
  hidden: "You have muted and blocked nothing.",
};

/** Lists of users. */
export async function peopleScreen(
  making: Making,
  { list, isFull, signal }: { list: string; isFull: boolean; signal: AbortSignal },
): Promise<Screen> {
  const { base } = making.reader;
  const known = lists.some(([name]) => name === list) ? list : "following";
  const tabs = lists.map(([name, label]) =>
    name === known
      ? markup`<a aria-current="page" href="${base}/people?list=${name}">${label}</a>`
      : markup`<a href="${base}/people?list=${name}">${label}</a>`
  );
  const full = `${base}/people?list=${known}&full=1`;
  const isSlow = known !== "hidden";
  const rows = isFull || !isSlow ? await listOf(making, { list: known, signal }) : undefined;
  const form =
    markup`<form class="row" data-form="follow"><label for="who" class="away">Name</label><input id="who" name="username" required maxlength="40" placeholder="name of a user" autocomplete="off"><button class="main">Follow</button></form>`;
  return {
    title: "People",
    entry: "people",
    main: [
      markup`<nav class="tabs" aria-label="Lists">${tabs}</nav>`,
      form,
      rows === undefined
        ? asking(full)
        : rows.length === 0
        ? markup`<p class="none">${emptyTexts[known] ?? ""}</p>`
        : markup`<ul class="people">${rows}</ul>`,
    ],
    facts: { kind: "people", ...(rows === undefined ? { full } : {}) },
  };
}

/** Names of a list of users, to be unfolded. */
function namesHtml(label: string, names: readonly string[], reader: Reader): Html {
  if (names.length === 0) return markup`<span>${label} 0</span>`;
  const links = names.slice(0, namesMax).map((name) => markup`<li>${nameHtml(name, reader)}</li>`);
  const more = names.length > namesMax ? markup`<li>…</li>` : "";
  return markup`<details><summary>${label} ${names.length}</summary><ul class="names">${links}${more}</ul></details>`;
}

/** What was learnt of a user. */
function aboutHtml(profile: ProfileView, { reader, relations }: {
  readonly reader: Reader;
  readonly relations: Relations;
}): Html {
  const { username } = profile;
  const details = profileDetails(profile);
  const { fingerprint, isOnline, postsText, followers, following, about, link, warnings } = details;
  const isOwn = username === reader.known.self;
  const followsYou = following?.includes(reader.known.self) ?? null;
  const words = isOwn ? "" : relationWords({ ...relations.of(username), followsYou });
  const shown = profile.name === undefined
    ? ""
    : markup`<p class="shown">${lineHtml(profile.name)}</p>`;
  return markup`<section class="about">${shown}<p class="facts">${
    onlineHtml(isOnline)
  } <span>${words}</span> ${keyHtml(fingerprint)}</p>${
    warnings.map((text) => markup`<p class="doubt">${safeText(text)}</p>`)
  }${about.length === 0 ? "" : markup`<p class="text" dir="auto">${spansHtml(about, reader)}</p>`}${
    link === null ? "" : markup`<p>${spansHtml([link], reader)}</p>`
  }<div class="facts"><span>${postsText}</span> ${
    following === null ? "" : namesHtml("follows", following, reader)
  } ${followers === null ? "" : namesHtml("followed by", followers, reader)}</div>${
    isOwn
      ? markup`<p><a href="${reader.base}/settings">Change what you say of yourself</a></p>`
      : markup`<p class="does">${userButtons(relations.offers(username, followsYou), username)}</p>`
  }</section>`;
}

/** A user: at first the posts that are here, then, where it is asked for in full, what the network knows. */
export async function profileScreen(
  { api, reader, desk }: Making,
  { username, before, isFull, signal }: {
    username: string;
    before: string | undefined;
    isFull: boolean;
    signal: AbortSignal;
  },
): Promise<Screen> {
  const name = username.toLowerCase();
  if (!isUsername(name)) {
    throw new CamelliaError("invalid_username", "Cannot show that: it is not a username.");
  }
  const { base } = reader;
  const at = `${base}/profile/${name}`;
  const [{ posts }, profile] = await Promise.all([
    api.timeline({ author: name, limit: postsMax, ...(before === undefined ? {} : { before }) }),
    isFull ? api.profile({ username: name }, signal) : undefined,
  ]);
  if (profile !== undefined) desk.learnName(name, profile.name);
  desk.quote(posts);
  const { relations } = desk;
  const { isFollowed } = relations.of(name);
  const last = posts.at(-1);
  const older = posts.length < postsMax || last === undefined
    ? markup``
    : markup`<nav class="pages"><a rel="next" class="page" href="${at}?before=${last.id}">Older posts</a></nav>`;
  const full = `${at}?full=1`;
  const top = profile === undefined
    ? markup`<section class="about">${before === undefined ? asking(full) : ""}</section>`
    : aboutHtml(profile, { reader, relations });
  const none = isFollowed || name === reader.known.self
    ? "No posts here."
    : "You do not follow this user, so their posts do not come here.";
  return {
    title: name,
    main: [
      top,
      markup`<div id="posts">${
        posts.length === 0 ? markup`<p class="none">${none}</p>` : postsHtml(posts, reader)
      }</div>`,
      older,
    ],
    facts: {
      kind: "profile",
      person: name,
      ...(profile === undefined && before === undefined ? { full } : {}),
    },
  };
}
