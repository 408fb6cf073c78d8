/**
 * Live news from the peer (server-sent events).
 *
 * @module
 */

import { act, base, isAtTop, main, refresh, say } from "./peer.js";
import { markDeleted } from "./posts.js";

/** Time between two renewals of a screen while much comes in. */
const renewMs = 250;

const deeds = {
  follow: "follows you",
  mention: "mentions you",
  reply: "replies to you",
  repost: "passed a post of yours on",
  security: "Something is wrong",
};

const state = document.getElementById("state");
const stateText = state.textContent;

/** More posts than that are not told apart. */
const newerMax = 99;

/** Names of posts that came and are not shown: one may be told of twice. */
const newer = new Set();
let source;
let wasLost = false;

/** What one tab of this browser hears, all of them learn: a browser opens six connections to a host, and no more. */
const others = new BroadcastChannel(`live${base}`);

function showNewer() {
  const button = document.querySelector("#newer button");
  if (button === null) return;
  button.hidden = newer.size === 0;
  button.textContent = `↑ ${newer.size > newerMax ? `${newerMax}+` : newer.size} newer`;
}

let renewing = Promise.resolve();
let isWaiting = false;

/** Renews the screen soon: at once after a quiet while, and not all the time. */
function renew() {
  if (isWaiting) return;
  isWaiting = true;
  renewing = renewing.then(async () => {
    isWaiting = false;
    const isHome = main().dataset.kind === "home";
    if (isHome && !isAtTop()) return showNewer();
    if (await refresh()) {
      if (isHome) newer.clear();
      showNewer();
    }
    await new Promise((resolve) => setTimeout(resolve, renewMs));
  });
}

/** Shows the newest posts, whatever is read. */
export async function toNewest() {
  if (main().dataset.kind !== "home") return location.assign(`${base}/`);
  document.activeElement?.blur();
  if (await refresh(`${base}/`, { toTop: true })) newer.clear();
  showNewer();
}

function showCounts(unread) {
  for (const place of document.querySelectorAll("[data-count]")) {
    const count = unread[place.dataset.count] ?? 0;
    place.textContent = count === 0 ? "" : count > 99 ? "99+" : String(count);
  }
  const news = unread.notifications + unread.requests;
  document.title = document.title.replace(/^(\(\d+\) )?/, news === 0 ? "" : `(${news}) `);
}

function notify(notes) {
  if (!document.hidden || globalThis.Notification?.permission !== "granted") return;
  for (const { kind, from } of notes) {
    new Notification("Camellia", { body: `${from} ${deeds[kind] ?? ""}` });
  }
}

function take({ posts = [], own, deleted, threads = [], changed = [], notes, unread }) {
  const { kind, root } = main().dataset;
  if (unread !== undefined) showCounts(unread);
  if (notes !== undefined) notify(notes);
  if (deleted !== undefined) markDeleted(deleted);
  const isAll = changed.includes("all");
  for (const name of posts) if (newer.size <= newerMax) newer.add(name);
  if (kind === "home" && (newer.size > 0 || own || isAll)) renew();
  else if (kind === "thread" && (isAll || threads.includes(root))) renew();
  else if (["notifications", "requests"].includes(kind) && changed.includes(kind) && isAtTop()) {
    renew();
  }
}

function lost(text) {
  wasLost = true;
  state.textContent = text;
  state.classList.add("lost");
  say(text);
}

function found() {
  if (!wasLost) return;
  wasLost = false;
  state.textContent = stateText;
  state.classList.remove("lost");
  document.dispatchEvent(new Event("peer"));
  renew();
}

/** Asks for what came since this screen was drawn. */
async function catchUp() {
  const answer = await fetch(`${base}/news?after=${main().dataset.newest ?? ""}`).catch(() => {});
  if (answer?.ok) take(await answer.json());
  else if (answer?.status === 401) lost("This session is over: run camellia web");
}

/** Does something here and in all other tabs. */
function everywhere(told) {
  hear(told);
  others.postMessage(told);
}

function hear({ news, failure, isBack }) {
  if (news !== undefined) take(news);
  if (failure !== undefined) lost(failure);
  if (isBack) {
    found();
    void catchUp();
  }
}

others.addEventListener("message", ({ data }) => hear(data));

/** Listens for all tabs, until this one is closed; a connection that breaks off is made again by the browser. */
function listenForAll() {
  source = new EventSource(`${base}/live`);
  source.addEventListener("open", () => everywhere({ isBack: true }));
  source.addEventListener("message", ({ data }) => everywhere({ news: JSON.parse(data) }));
  const closed = Promise.withResolvers();
  source.addEventListener("error", () => {
    const isOver = source.readyState === EventSource.CLOSED;
    everywhere({
      failure: isOver
        ? "This session is over: run camellia web"
        : "Camellia does not answer; trying again. If it was started anew: run camellia web",
    });
  });
  addEventListener("pagehide", () => {
    source.close();
    closed.resolve();
  }, { once: true });
  return closed.promise;
}

/** Listens from now on: by itself, or by the tab that listens already, until that one is closed. */
export function listen() {
  void catchUp();
  void navigator.locks.request(`live${base}`, listenForAll);
}

addEventListener("pageshow", ({ persisted }) => {
  if (persisted) listen();
});

/** Tells the peer what was read, once for each thing that came. */
let told = "";
export function markRead() {
  if (document.hidden) return;
  const { kind } = main().dataset;
  const isTimeline = kind === "home" || kind === "older";
  const what = isTimeline
    ? "timeline"
    : ["notifications", "requests"].find((each) => each === kind);
  if (what === undefined || localStorage.getItem(`token/${base.slice(1)}`) === null) return;
  if (kind === "home") sessionStorage.setItem("newest", main().dataset.newest);
  const newest = isTimeline ? sessionStorage.getItem("newest") ?? "0" : "";
  // Unread posts may lie below the page, unless one that was read stands on it, or none lies below.
  const isWhole = document.querySelector("#posts .post:not(.unread):not(.own)") !== null ||
    document.querySelector("a[rel=next]") === null;
  if (isTimeline && (newest === "0" || !isWhole)) return;
  const unread = main().querySelectorAll(".unread").length;
  const mark = `${what} ${newest} ${unread}`;
  if (mark === told || (unread === 0 && kind !== "older")) return;
  told = mark;
  void act("read", isTimeline ? { what, id: newest } : { what });
}
