/**
 * Writing: the text is kept from the first letter on, also over a reload, until it was posted. This browser keeps it
 * at once, and the peer a moment later: there it is also for other browsers and for the full screen.
 *
 * @module
 */

import { ask, base, refresh, say, user } from "./peer.js";

/** Characters of a post; the peer refuses longer ones in any case. */
const lengthMax = 500;

const dialog = document.getElementById("compose");
const text = document.getElementById("compose-text");
const warning = document.getElementById("compose-warning");
const count = document.getElementById("compose-count");
const state = document.getElementById("compose-state");
const quote = document.getElementById("compose-quote");
const sendButton = document.getElementById("compose-send");

/** Names that are offered at once. */
const offeredMax = 6;

const offered = document.getElementById("compose-names");

/** The users who are followed, once a name was begun. */
let names;

/** The post that is answered, `author/id`, or the empty text. */
let replyTo = "";

function draftName() {
  return `draft/${user}/${replyTo}`;
}

function readDraft() {
  try {
    return JSON.parse(localStorage.getItem(draftName()) ?? "{}");
  } catch {
    return {};
  }
}

/** How long after the last letter the text goes to the peer. */
const keepMs = 500;

let keeping;
let saving = Promise.resolve();

/** Whether the text was sent and no answer came: it may be published. */
let isUncertain = false;

function place(to = replyTo) {
  const at = to.indexOf("/");
  return to === "" ? {} : { replyTo: { author: to.slice(0, at), id: to.slice(at + 1) } };
}

/** Keeps the text in this browser; `isKept`: the peer has it, too. */
function keepHere(isKept) {
  if (text.value === "" && warning.value === "") return localStorage.removeItem(draftName());
  const kept = { text: text.value, warning: warning.value, quote: quote.textContent, isKept };
  try {
    localStorage.setItem(draftName(), JSON.stringify(kept));
  } catch {
    // The browser keeps nothing; the peer does.
  }
}

function keepDraft() {
  isUncertain = false;
  state.textContent = "";
  keepHere(false);
  clearTimeout(keeping);
  keeping = setTimeout(() => void saveDraft(), keepMs);
}

/** Gives the text to the peer, after the one before; resolves to whether the peer has it. */
function saveDraft() {
  clearTimeout(keeping);
  keeping = undefined;
  const [value, to] = [text.value, replyTo];
  return saving = saving.then(async () => {
    const { done } = await ask("draft", { text: value, ...place(to) });
    if (to !== replyTo || value !== text.value) return false;
    keepHere(done !== undefined);
    state.textContent = value === ""
      ? ""
      : done === undefined
      ? "Kept in this browser"
      : "Draft saved";
    return done !== undefined;
  });
}

/** What the peer has of the draft; undefined where it has none to give. */
async function savedDraft() {
  const query = replyTo === "" ? "" : `?reply=${encodeURIComponent(replyTo)}`;
  const answer = await fetch(`${base}/draft${query}`).catch(() => undefined);
  return answer?.ok ? (await answer.json()).text ?? undefined : undefined;
}

/** Shows what the peer has, unless this browser has something newer. */
async function takeSaved({ isKept = true, text: shown = "" }) {
  if (!isKept) return void saveDraft();
  const to = replyTo;
  const saved = await savedDraft();
  if (saved === undefined || saved === shown || to !== replyTo || text.value !== shown) return;
  text.value = saved;
  state.textContent = saved === "" ? "" : "Draft saved";
  keepHere(true);
  showCount();
}

function showCount() {
  const length = [...text.value].length;
  count.textContent = `${length} / ${lengthMax}`;
  count.classList.toggle("over", length > lengthMax);
}

/** The beginning of a name before the cursor: `@` and letters, and no part of an address. */
function begun() {
  const before = text.value.slice(0, text.selectionEnd);
  return /(?<![\p{L}\p{N}_@/.])@([A-Za-z0-9_]*)$/u.exec(before)?.[1]?.toLowerCase();
}

/** Puts a name in the place of the one that was begun. */
function complete(name) {
  const end = text.selectionEnd;
  text.setRangeText(`${name} `, end - (begun()?.length ?? 0), end, "end");
  text.focus();
  text.dispatchEvent(new Event("input"));
}

/** Offers the names of followed users that begin as the one before the cursor. */
async function offer() {
  if (begun() === undefined) return offered.replaceChildren();
  names ??= fetch(`${base}/names`).then((answer) => answer.json()).then(
    (answer) => answer.names,
    () => [],
  );
  const all = await names;
  const begin = begun();
  const fitting = begin === undefined
    ? []
    : all.filter((name) => name.startsWith(begin) && name !== begin).slice(0, offeredMax);
  offered.replaceChildren(...fitting.map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `@${name}`;
    button.addEventListener("click", () => complete(name));
    return button;
  }));
}

/** Opens the dialog, with what was begun. */
export function compose({ replyTo: to = "", quote: quoted } = {}) {
  if (dialog.open) return;
  replyTo = to;
  const draft = readDraft();
  text.value = draft.text ?? "";
  warning.value = draft.warning ?? "";
  quote.textContent = quoted ?? draft.quote ?? "";
  quote.hidden = to === "";
  document.getElementById("compose-title").textContent = to === ""
    ? "New post"
    : `Reply to ${to.slice(0, to.indexOf("/"))}`;
  state.textContent = text.value === "" ? "" : "Draft saved";
  isUncertain = false;
  showCount();
  offered.replaceChildren();
  dialog.showModal();
  sessionStorage.setItem("composing", to === "" ? "new" : to);
  text.focus();
  void takeSaved(draft);
}

/** What was written is published: nothing of it is kept. */
async function published(said) {
  text.value = "";
  warning.value = "";
  isUncertain = false;
  keepHere(true);
  state.textContent = "";
  dialog.close();
  say(said);
  await refresh();
}

async function send() {
  if (sendButton.disabled) return;
  sendButton.disabled = true;
  try {
    // A peer that published it has taken the draft away.
    if (isUncertain && await savedDraft() === "") {
      return await published("It was posted before the connection broke off.");
    }
    const isSaved = await saveDraft();
    const { done, why } = await ask("post", {
      text: text.value,
      ...place(),
      ...(warning.value.trim() === "" ? {} : { warning: warning.value }),
    });
    if (done !== undefined) return await published(done.said);
    isUncertain = isSaved && why === undefined;
    say(why ?? "The peer does not answer. What you wrote is kept.");
  } finally {
    sendButton.disabled = false;
  }
}

text.addEventListener("input", () => {
  showCount();
  keepDraft();
  void offer();
});
text.addEventListener("keydown", (event) => {
  const [first] = offered.children;
  if (event.key !== "Tab" || event.shiftKey || first === undefined || begun() === undefined) return;
  event.preventDefault();
  complete(first.textContent.slice(1));
});
warning.addEventListener("input", keepDraft);
sendButton.addEventListener("click", () => void send());
document.getElementById("compose-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  sessionStorage.removeItem("composing");
  if (keeping !== undefined) void saveDraft();
});
document.addEventListener("peer", () => {
  if (dialog.open && !isUncertain) void saveDraft();
});
dialog.addEventListener("keydown", (event) => {
  const isSend = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  if (isSend) {
    event.preventDefault();
    void send();
  } else if (event.key === "Enter" && event.target === warning) event.preventDefault();
});

/** Opens the dialog again that was open before a reload. */
export function resume() {
  const open = sessionStorage.getItem("composing");
  if (open !== null) compose({ replyTo: open === "new" ? "" : open });
}
