/**
 * The page's script: keys, buttons, and what is asked for after the first look.
 *
 * Everything can be read without it; it makes the page live, and lets the person write.
 *
 * @module
 */

import { compose, resume } from "./compose.js";
import { listen, markRead, toNewest } from "./live.js";
import { act, base, main, refresh, say, setFull } from "./peer.js";
import { chosen, closeMenu, deeds, move, press, submit } from "./posts.js";

/** How often ages are made true again. */
const agesMs = 30_000;

const help = document.getElementById("help");

/** What keys do, by name; those on posts are in `posts.js`. */
const commands = {
  ...deeds,
  down: () => move(1),
  up: () => move(-1),
  write: () => compose(),
  top: () => void toNewest(),
  home: () => location.assign(`${base}/`),
  mentions: () => location.assign(`${base}/notifications`),
  requests: () => location.assign(`${base}/requests`),
  settings: () => location.assign(`${base}/settings`),
  people: () => location.assign(`${base}/people`),
  search() {
    const field = document.getElementById("q");
    if (field === null) location.assign(`${base}/search#q`);
    else field.focus();
  },
  back: () => history.back(),
  help: () => help.showModal(),
  async notify() {
    const answer = await globalThis.Notification?.requestPermission();
    say(
      answer === "granted"
        ? "Notifications are shown while this page is in the background."
        : "The browser does not allow it.",
    );
  },
  async end() {
    if (await act("end", {}) !== undefined) location.assign("/");
  },
};

/** The table of keys: the name by each of its keys. */
const table = new Map(
  JSON.parse(document.body.dataset.keys).flatMap(([name, keys]) => keys.map((key) => [key, name])),
);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.key === "Escape" && closeMenu()) return event.preventDefault();
  if (document.querySelector("dialog[open]") !== null) return;
  const { target } = event;
  if (target.closest("input, textarea, select") !== null) {
    if (event.key === "Escape") target.blur();
    return;
  }
  if (target.closest("#menu") !== null) {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      target[step]?.focus();
    }
    return;
  }
  // Links and buttons do what they always do.
  if (event.key === "Enter" && target.closest("a, button, summary") !== null) return;
  const command = commands[table.get(event.key)];
  if (command === undefined) return;
  event.preventDefault();
  command(chosen());
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-key], [data-do]");
  if (button === null) {
    if (event.target.closest("#menu") === null) closeMenu();
    return;
  }
  if (button.dataset.do !== undefined) void press(button);
  else void commands[button.dataset.key]?.(button.closest(".post, .person") ?? undefined);
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-form]");
  if (form === null) return;
  event.preventDefault();
  void submit(form);
});

/** How long ago, as the peer says it. */
function ageOf(time) {
  const minutes = Math.floor((Date.now() - time) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  return undefined;
}

setInterval(() => {
  for (const each of document.querySelectorAll("time")) {
    const age = ageOf(Date.parse(each.dateTime));
    if (age !== undefined && each.textContent !== age) each.textContent = age;
  }
}, agesMs);

/** What the first look left out is asked for; what is shown has been read. */
function settle() {
  const { full, kind } = main().dataset;
  if (full !== undefined) {
    // Of a thread what others have is in the database afterwards; the rest is known to no database.
    if (kind !== "thread") setFull(full);
    void refresh(full);
  }
  markRead();
}

document.addEventListener("screen", markRead);
document.addEventListener("visibilitychange", markRead);
document.documentElement.dataset.ready = "";
settle();
listen();
resume();
if (location.hash === "#q") document.getElementById("q")?.focus();
