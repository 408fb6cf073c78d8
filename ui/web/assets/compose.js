/**
 * Writing: the text is kept from the first letter on, also over a reload, until it was posted.
 *
 * @module
 */

import { act, base, refresh, say, user } from "./peer.js";

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

function keepDraft() {
  if (text.value === "" && warning.value === "") {
    localStorage.removeItem(draftName());
    state.textContent = "";
    return;
  }
  const kept = { text: text.value, warning: warning.value, quote: quote.textContent };
  try {
    localStorage.setItem(draftName(), JSON.stringify(kept));
    state.textContent = "Draft saved";
  } catch {
    state.textContent = "The browser keeps no draft";
  }
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
  showCount();
  offered.replaceChildren();
  dialog.showModal();
  sessionStorage.setItem("composing", to === "" ? "new" : to);
  text.focus();
}

async function send() {
  if (sendButton.disabled) return;
  sendButton.disabled = true;
  try {
    const at = replyTo.indexOf("/");
    const done = await act("post", {
      text: text.value,
      ...(replyTo === ""
        ? {}
        : { replyTo: { author: replyTo.slice(0, at), id: replyTo.slice(at + 1) } }),
      ...(warning.value.trim() === "" ? {} : { warning: warning.value }),
    });
    if (done === undefined) return;
    text.value = "";
    warning.value = "";
    keepDraft();
    dialog.close();
    say(done.said);
    await refresh();
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
dialog.addEventListener("close", () => sessionStorage.removeItem("composing"));
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
