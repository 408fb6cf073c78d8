/**
 * What the page asks of the peer: screens, and actions with the token that alone changes anything.
 *
 * @module
 */

/** What all paths of this session begin with. */
export const base = document.body.dataset.base;

/** The user. */
export const user = document.body.dataset.user;

/** The one place where text becomes elements: the peer has escaped it. */
const policy = globalThis.trustedTypes?.createPolicy("camellia", { createHTML: (text) => text });

function parse(text) {
  const trusted = policy === undefined ? text : policy.createHTML(text);
  return new DOMParser().parseFromString(trusted, "text/html");
}

let hiding;

/** Says something to the person for some seconds. */
export function say(text) {
  if (text === "") return;
  const place = document.getElementById("said");
  place.textContent = text;
  clearTimeout(hiding);
  hiding = setTimeout(() => place.textContent = "", 6000);
}

/** The element that holds the screen. */
export function main() {
  return document.getElementById("main");
}

/** What the peer answers: what was done, why not, or nothing, where it cannot be reached. */
export async function ask(action, argument) {
  const token = localStorage.getItem(`token/${base.slice(1)}`);
  if (token === null) {
    return {
      why: "This browser may only read. Run camellia web, and open the address that it prints.",
    };
  }
  try {
    const path = action === "end" ? `${base}/end` : `${base}/do/${action}`;
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", "camellia-token": token },
      body: JSON.stringify(argument),
    });
    const done = await answer.json();
    return done.error === undefined ? { done } : { why: done.error.message };
  } catch {
    return {};
  }
}

/** Does something; resolves to what became of it, or to undefined where it failed and the person was told why. */
export async function act(action, argument) {
  const { done, why = "The peer does not answer. What you wrote is kept." } = await ask(
    action,
    argument,
  );
  if (done === undefined) say(why);
  return done;
}

/** A post, or another thing with an id, that is looked at, and where it stands in the window. */
function anchor() {
  const chosen = document.activeElement?.closest("[id^='p-']");
  const top = document.getElementById("top").getBoundingClientRect().bottom;
  const shown = chosen ??
    [...document.querySelectorAll("#posts [id^='p-']")]
      .find((each) => each.getBoundingClientRect().bottom > top);
  if (shown === undefined || shown === null) return undefined;
  return { id: shown.id, at: shown.getBoundingClientRect().top, isChosen: chosen === shown };
}

/** Opens again what was open: texts behind warnings. */
function opened() {
  return new Set(
    [...document.querySelectorAll("#main details[open]")]
      .map((each) => each.closest("[id^='p-']")?.id),
  );
}

/** Whether the reader is at the top and has chosen no post: then new ones may take their places. */
export function isAtTop() {
  const isBusy = document.querySelector("dialog[open]") !== null ||
    document.querySelector("#menu:not([hidden])") !== null;
  return scrollY < 8 && !isBusy && document.activeElement?.closest("#posts") === null &&
    (getSelection()?.isCollapsed ?? true);
}

let turn = 0;
let full;

/** From now on this screen is asked for in full, where it is asked for anew. */
export function setFull(path) {
  full = path;
}

function again() {
  return full ?? location.pathname + location.search;
}

/**
 * Puts another state of the screen in the place of this one; what is read stays where it is, unless the top is
 * asked for. Resolves to whether it did.
 */
export async function refresh(path = again(), { toTop = false } = {}) {
  const mine = ++turn;
  const answer = await fetch(path, { headers: { "camellia-part": "1" } }).catch(() => undefined);
  if (answer === undefined) return false;
  const next = parse(await answer.text()).getElementById("main");
  // Another one was asked for meanwhile, or the session is over: the live news say so.
  if (mine !== turn || !answer.ok || next === null) return false;
  const held = toTop || isAtTop() ? undefined : anchor();
  const open = opened();
  main().replaceWith(document.adoptNode(next));
  for (const each of next.querySelectorAll("details")) {
    if (open.has(each.closest("[id^='p-']")?.id)) each.open = true;
  }
  const again = held === undefined ? null : document.getElementById(held.id);
  if (again !== null) {
    if (held.isChosen) again.focus({ preventScroll: true });
    scrollBy({ top: again.getBoundingClientRect().top - held.at, behavior: "instant" });
  } else if (toTop) scrollTo({ top: 0, behavior: "instant" });
  document.dispatchEvent(new Event("screen"));
  return true;
}
