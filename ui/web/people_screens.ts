/**
 * The screens on people: what the user is told of, what strangers say, lists of users, profiles, settings.
 *
 * @module
 */

import { type Html, markup } from "./markup.ts";
import type {
  FollowedView,
  NotificationView,
  ProfileView,
  SuggestionView,
} from "../../core/api.ts";
import { isUsername } from "../../core/model/username.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import type { SettingsPort } from "../settings/settings_port.ts";
import { settingsSection } from "./settings_section.ts";
import { statusLines } from "../views/status_words.ts";
import { clashText, counted } from "../views/words.ts";
import { safeLine, safeText } from "../terminal/safe_text.ts";
import type { Screen } from "./layout.ts";
import { postHtml, postsHtml, type Reader, timeHtml } from "./post_html.ts";
import { type Making, postsMax } from "./screens.ts";
import { lineHtml, linkHtml, nameHtml, textHtml } from "./text_html.ts";

/** Notifications and requests on a screen. */
const toldMax = 100;

const deeds: Readonly<Record<NotificationView["kind"], string>> = {
  follow: "follows you",
  mention: "mentions you",
  reply: "replies to you",
  repost: "passed a post of yours on",
  security: "",
};

/** A button that does something with a user. */
function userButton(action: string, username: string, label: string): Html {
  return markup`<button class="act" data-do="${action}" data-user="${username}">${label}</button>`;
}

function toldHtml(view: NotificationView, reader: Reader): Html {
  const { kind, from, post, at, read, message } = view;
  const mark = read ? "told" : "told unread";
  const when = timeHtml(at, reader);
  if (kind === "security") {
    return markup`<div class="${mark} doubt">${
      textHtml(message ?? "Something is wrong", reader)
    } · ${when}</div>`;
  }
  const head = markup`<p class="deed">${nameHtml(from, reader)} ${deeds[kind]} · ${when}</p>`;
  if (kind === "follow") return markup`<div class="${mark}">${head}</div>`;
  const below = post === null
    ? markup`<p class="none">The post is no longer here.</p>`
    : postHtml(post, reader);
  return markup`<div class="${mark}">${head}${below}</div>`;
}

/** What the user is told of. */
export async function notificationsScreen({ api, reader }: Making): Promise<Screen> {
  const { notifications } = await api.notifications({ limit: toldMax });
  const list = notifications.map((view) => toldHtml(view, reader));
  return {
    title: "Notifications",
    entry: "notifications",
    main: markup`<div id="posts">${
      list.length === 0 ? markup`<p class="none">Nothing to tell you.</p>` : list
    }</div>`,
    facts: { kind: "notifications" },
  };
}

/** What strangers say, each with what may be done about the stranger. */
export async function requestsScreen({ api, reader }: Making): Promise<Screen> {
  const { requests } = await api.requests({ limit: toldMax });
  const list = requests.map((view) =>
    markup`<section class="request">${toldHtml(view, reader)}<p class="row">${
      userButton(
        "follow",
        view.from,
        "Follow",
      )
    }${userButton("dismiss", view.from, "Put aside")}${
      userButton(
        "mute",
        view.from,
        "Mute",
      )
    }${userButton("block", view.from, "Block")}</p></section>`
  );
  return {
    title: "Requests",
    entry: "requests",
    main: [
      markup`<p class="note">Users who neither follow you nor are followed by you.</p>`,
      markup`<div id="posts">${
        list.length === 0 ? markup`<p class="none">No stranger has written to you.</p>` : list
      }</div>`,
    ],
    facts: { kind: "requests" },
  };
}

/** What is shown while others are asked; a browser without scripts follows the link. */
function asking(full: string): Html {
  return markup`<p class="none"><a href="${full}">Asking others …</a></p>`;
}

function personHtml(person: FollowedView, reader: Reader, list: "followers" | "following"): Html {
  const { username, online, name, fingerprint } = person;
  const shown = name === null ? "" : markup`<span class="shown">${lineHtml(name)}</span>`;
  const button = list === "following"
    ? userButton("unfollow", username, "Unfollow")
    : userButton("remove-follower", username, "Remove");
  return markup`<li class="person" tabindex="0" data-name="${username}"><span>${
    nameHtml(
      username,
      reader,
    )
  }${shown}</span><span class="${online ? "online" : "offline"}">${
    online ? "online" : "offline"
  }</span><code title="Fingerprint">${fingerprint}</code>${button}</li>`;
}

function suggestedHtml({ username, reason }: SuggestionView, reader: Reader): Html {
  return markup`<li class="person" tabindex="0" data-name="${username}"><span>${
    nameHtml(username, reader)
  }</span><span>${
    lineHtml(
      reason,
    )
  }</span>${userButton("follow", username, "Follow")}</li>`;
}

const lists = [
  ["following", "Following"],
  ["followers", "Followers"],
  ["suggestions", "Suggestions"],
  ["hidden", "Muted and blocked"],
] as const;

async function listOf(
  { api, reader, desk }: Making,
  { list, signal }: { list: string; signal: AbortSignal },
): Promise<Html[]> {
  if (list === "suggestions") {
    return (await api.suggest(signal)).map((each) => suggestedHtml(each, reader));
  }
  if (list === "hidden") {
    const [mutes, blocks] = await Promise.all([api.mutes(), api.blocks()]);
    return [
      ...mutes.map(({ kind, what, until }) =>
        markup`<li class="person"><span>${kind} ${lineHtml(what)}${
          until === null ? "" : markup`until ${timeHtml(until, reader)}`
        }</span><button class="act" data-do="unmute" data-what="${what}" data-kind="${kind}">Show again</button></li>`
      ),
      ...blocks.map((username) =>
        markup`<li class="person"><span>blocked ${nameHtml(username, reader)}</span>${
          userButton("unblock", username, "Unblock")
        }</li>`
      ),
    ];
  }
  const which = list === "followers" ? "followers" : "following";
  const people = await api.people({ list: which }, signal);
  for (const { username, name } of people) desk.learnName(username, name);
  return people.map((person) => personHtml(person, reader, which));
}

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
        ? markup`<p class="none">None yet.</p>`
        : markup`<ul class="people">${rows}</ul>`,
    ],
    facts: { kind: "people", ...(rows === undefined ? { full } : {}) },
  };
}

function aboutHtml(profile: ProfileView, { reader, isFollowed }: {
  reader: Reader;
  isFollowed: boolean;
}): Html {
  const { username, fingerprint, name, about, link, followers, following, posts, online } = profile;
  const counts = profile.unreachable === true
    ? "The network does not answer: followers and following are not known."
    : `${counted(posts, "post")} · ${
      counted(followers.length, "follower")
    } · ${following.length} followed`;
  const buttons = username === reader.known.self
    ? ""
    : markup`<p class="row">${
      isFollowed
        ? userButton("unfollow", username, "Unfollow")
        : userButton("follow", username, "Follow")
    }${userButton("mute", username, "Mute")}${userButton("block", username, "Block")}</p>`;
  return markup`<section class="about">${
    name === undefined ? "" : markup`<p class="shown">${lineHtml(name)}</p>`
  }<p><b>${
    lineHtml(
      username,
    )
  }</b> <code title="Fingerprint">${fingerprint}</code> <span class="${
    online ? "online" : "offline"
  }">${online ? "online" : "offline"}</span></p>${
    about === undefined ? "" : markup`<p class="text" dir="auto">${lineHtml(about)}</p>`
  }${link === undefined ? "" : markup`<p>${linkHtml(link, reader)}</p>`}<p>${counts}</p>${
    profile.clash === undefined
      ? ""
      : markup`<p class="doubt">${safeLine(clashText(username, profile.clash))}</p>`
  }${
    (profile.forks ?? 0) === 0
      ? ""
      : markup`<p class="doubt">Published posts twice with different content; the first was kept.</p>`
  }${buttons}</section>`;
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
  const [{ posts }, followed, profile] = await Promise.all([
    api.timeline({ author: name, limit: postsMax, ...(before === undefined ? {} : { before }) }),
    api.followed(),
    isFull ? api.profile({ username: name }, signal) : undefined,
  ]);
  if (profile !== undefined) desk.learnName(name, profile.name);
  const isFollowed = followed.includes(name);
  const last = posts.at(-1);
  const older = posts.length < postsMax || last === undefined
    ? markup``
    : markup`<nav class="pages"><a rel="next" class="page" href="${at}?before=${last.id}">Older posts</a></nav>`;
  const full = `${at}?full=1`;
  const top = profile === undefined
    ? markup`<section class="about"><p><b>${lineHtml(name)}</b>${
      isFollowed ? markup`<span class="mark">followed</span>` : ""
    }</p>${before === undefined ? asking(full) : ""}</section>`
    : aboutHtml(profile, { reader, isFollowed });
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

/** How the peer is doing, what the user says of themselves, and what the browser may do. */
export async function settingsScreen(
  { api, reader }: Making,
  { isFull, signal, settings }: {
    readonly isFull: boolean;
    readonly signal: AbortSignal;
    readonly settings?: SettingsPort | undefined;
  },
): Promise<Screen> {
  const { base, known } = reader;
  const username = known.self;
  const full = `${base}/settings?full=1`;
  const [status, own, setUp] = await Promise.all([
    api.status(),
    isFull ? api.profile({ username }, signal) : undefined,
    settings === undefined ? "" : settingsSection(settings),
  ]);
  const rows = statusLines(status, known.nowMs).map(({ label, text, tone }) =>
    markup`<tr><th scope="row">${label}</th><td class="${tone}">${safeText(text)}</td></tr>`
  );
  const field = (name: "name" | "about" | "link", label: string, max: number) =>
    markup`<p class="row"><label for="about-${name}">${label}</label><input id="about-${name}" name="${name}" maxlength="${max}" autocomplete="off" value="${
      safeText(
        own?.[name] ?? "",
      )
    }"></p>`;
  const about = own === undefined
    ? asking(full)
    : markup`<form data-form="about">${field("name", "Name to be shown", 50)}${
      field(
        "about",
        "About you",
        160,
      )
    }${field("link", "Link", 100)}<p class="row"><button class="main">Save</button></p></form>`;
  return {
    title: "Settings",
    entry: "settings",
    main: [
      markup`<section><h2>What you say of yourself</h2>${about}</section>`,
      markup`<section><h2>This browser</h2><p class="row"><button data-key="notify">Show desktop notifications</button><button data-key="end">Log this browser out of the page</button></p></section>`,
      setUp,
      markup`<section><h2>Reach</h2><table class="facts"><tbody>${rows}</tbody></table></section>`,
    ],
    facts: { kind: "settings", ...(own === undefined ? { full } : {}) },
  };
}
