/**
 * Posts and users on the screen: which one is chosen, and what is done with it.
 *
 * @module
 */

import { act, base, main, refresh, say, user } from "./peer.js";
import { compose } from "./compose.js";

/** How long a question waits for its second press. */
const sureMs = 5000;

const menu = document.getElementById("menu");

/** What can be chosen, in its order. */
function choices() {
  return [...main().querySelectorAll(".post, .person[tabindex]")];
}

/** The post or user that is chosen. */
export function chosen() {
  return document.activeElement?.closest(".post, .person[tabindex]") ?? undefined;
}

/** Chooses the next one, or the one before. */
export function move(step) {
  const all = choices();
  const at = all.indexOf(chosen());
  const top = document.getElementById("top").getBoundingClientRect().bottom;
  const first = all.findIndex((each) => each.getBoundingClientRect().bottom > top);
  const next = all[at < 0 ? Math.max(first, 0) : at + step];
  if (next === undefined) {
    if (step > 0) document.querySelector("a[rel=next]")?.click();
    return;
  }
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest", behavior: "instant" });
}

/** Author and id out of `author/id`. */
function nameOf(text) {
  const at = text.indexOf("/");
  return { author: text.slice(0, at), id: text.slice(at + 1) };
}

/** The user that a post or a row is of. */
function personOf(element) {
  if (element?.dataset.name !== undefined) return element.dataset.name;
  if (element !== undefined) return nameOf(element.dataset.shown).author;
  return main().dataset.person;
}

function tell(done) {
  if (done !== undefined) say(done.said);
  return done !== undefined;
}

/** Asks for a second press of the same kind; whether this was it. */
let asked = { what: "", at: -Infinity };
function isSure(what, question) {
  const now = performance.now();
  const isSecond = asked.what === what && now - asked.at < sureMs;
  asked = isSecond ? { what: "", at: -Infinity } : { what, at: now };
  if (!isSecond) say(question);
  return isSecond;
}

/** What is asked before something is done that cannot be taken back by one press. */
const questions = { block: "Block", unfollow: "Unfollow", removeFollower: "Remove the follower" };

async function withUser(deed, username) {
  if (username === undefined) return;
  const question = questions[deed];
  if (
    question !== undefined &&
    !isSure(`${deed} ${username}`, `${question} ${username}: once more, if you are sure.`)
  ) return;
  if (tell(await act(deed, { username }))) await refresh();
}

/** What a post or a row offers to do about its author; without one, what the profile does. */
function offersOf(element) {
  const { offers } = element?.querySelector("[data-offers]")?.dataset ?? {};
  if (offers !== undefined) return JSON.parse(offers);
  return [...(element ?? main().querySelector(".about"))?.querySelectorAll("[data-do]") ?? []]
    .map((button) => [button.dataset.do, button.textContent]);
}

/** Follows or mutes whom the post or row is of, or takes that back. */
function toggle(element, deed, opposite) {
  const isDone = offersOf(element).some(([each]) => each === opposite);
  void withUser(isDone ? opposite : deed, personOf(element));
}

/** What the menu of a post offers. */
function offer(post) {
  const { author } = nameOf(post.dataset.shown);
  const items = offersOf(post).map(([deed, label]) => [
    `${label} ${author}`,
    () => withUser(deed, author),
    deed in questions,
  ]);
  return [...items, ["Mute this thread", () => deeds.mute_thread(post), false]];
}

export function closeMenu() {
  if (menu.hidden) return false;
  menu.hidden = true;
  document.getElementById(menu.dataset.of)?.focus({ preventScroll: true });
  return true;
}

function openMenu(post) {
  menu.dataset.of = post.id;
  menu.replaceChildren(
    ...offer(post).map(([label, run, isAsked]) => {
      const button = document.createElement("button");
      button.setAttribute("role", "menuitem");
      button.textContent = label;
      button.addEventListener("click", () => {
        // A question is asked with the menu still there for the second press.
        if (isAsked && !button.textContent.endsWith("?")) button.textContent = `${label}?`;
        else closeMenu();
        void run();
      });
      return button;
    }),
  );
  const { left, bottom } = post.querySelector("footer").getBoundingClientRect();
  menu.hidden = false;
  // Styles set by a script through its own interface are no inline styles to the policy.
  menu.style.left = `${left + scrollX + 8}px`;
  menu.style.top = `${bottom + scrollY}px`;
  menu.firstElementChild?.focus({ preventScroll: true });
}

/** What is done with the post or user that is chosen; by the names of the key table. */
export const deeds = {
  open(element) {
    const link = element?.querySelector(".when") ?? element?.querySelector("a.who");
    if (link) location.assign(link.href);
  },
  reply(element) {
    if (element?.dataset.post === undefined) return;
    const text = element.querySelector(".text")?.textContent ?? "";
    const warning = element.querySelector("summary")?.textContent;
    compose({ replyTo: element.dataset.shown, quote: warning ?? text });
  },
  async repost(element) {
    if (element?.dataset.shown === undefined) return;
    if (
      !isSure(
        `repost ${element.dataset.shown}`,
        "Pass this on to your followers: once more, if you are sure.",
      )
    ) return;
    tell(await act("repost", nameOf(element.dataset.shown)));
  },
  async delete(element) {
    if (element?.dataset.post === undefined) return;
    const name = nameOf(element.dataset.post);
    if (name.author !== user) return say("Only posts of your own can be deleted.");
    if (!isSure(`delete ${name.id}`, "Delete this post: once more, if you are sure.")) return;
    if (tell(await act("delete", name))) element.remove();
  },
  reveal(element) {
    const warned = element?.querySelector("details");
    if (warned) warned.open = !warned.open;
  },
  profile(element) {
    const name = personOf(element);
    if (name !== undefined) location.assign(`${base}/profile/${encodeURIComponent(name)}`);
  },
  follow(element) {
    toggle(element, "follow", "unfollow");
  },
  mute(element) {
    toggle(element, "mute", "unmute");
  },
  block(element) {
    void withUser("block", personOf(element));
  },
  async mute_thread(element) {
    if (element?.dataset.shown === undefined) return;
    if (tell(await act("muteWhat", { what: element.dataset.shown, kind: "thread" }))) {
      await refresh();
    }
  },
  more(element) {
    if (element?.dataset.post !== undefined) openMenu(element);
  },
};

/** Shows that posts were taken back. */
export function markDeleted(names) {
  const gone = new Set(names);
  for (const post of main().querySelectorAll(".post")) {
    if (!gone.has(post.dataset.post) && !gone.has(post.dataset.shown)) continue;
    for (const part of post.querySelectorAll(".text, .warned, .reposted, footer")) part.remove();
    const note = document.createElement("p");
    note.className = "none";
    note.textContent = "This post was deleted.";
    post.append(note);
  }
}

/** What the buttons of a screen do. */
export async function press(button) {
  const { do: action, user: username, what, kind } = button.dataset;
  if (what !== undefined) {
    if (tell(await act("unmuteWhat", { what, kind }))) await refresh();
    return;
  }
  await withUser(action, username);
}

/** What the forms of a screen do. */
export async function submit(form) {
  const values = Object.fromEntries(new FormData(form));
  if (tell(await act(form.dataset.form, values))) {
    await refresh();
  }
}
