/**
 * Gives the code of the address to the peer, once, and goes on to the page.
 *
 * The fragment of an address is sent nowhere by itself; it is taken out of the address first, so that neither
 * history nor a screenshot has it.
 *
 * @module
 */

const said = document.getElementById("entering");
const code = location.hash.slice(1);

/** Sessions of this browser that it remembers, over and open ones. */
const sessionsMax = 16;

/** Sessions of this browser. */
function sessions() {
  return Object.keys(localStorage).filter((name) => name.startsWith("token/"))
    .map((name) => name.slice("token/".length));
}

/** The token for writing lies where browsers keep the ports of a host apart. */
function keep(key, token) {
  const known = sessions();
  if (known.length >= sessionsMax) {
    for (const each of known) localStorage.removeItem(`token/${each}`);
  }
  localStorage.setItem(`token/${key}`, token);
}

async function enter() {
  history.replaceState(null, "", "/");
  said.textContent = "Entering …";
  const answer = await fetch("/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code }),
  });
  const { at, key, token, error } = await answer.json();
  if (error !== undefined) {
    said.textContent = error.message;
    return;
  }
  keep(key, token);
  location.replace(at);
}

/** Without a code: to the session that this browser has, if it has one. */
function goOn() {
  const [, key] = location.pathname.split("/");
  // Where this document stands in the place of a screen, the session is over.
  if (key !== "") localStorage.removeItem(`token/${key}`);
  const [known] = sessions();
  if (known !== undefined) location.replace(`/${known}/`);
}

if (code === "") goOn();
else {
  enter().catch(() => {
    said.textContent =
      "The peer does not answer. Run camellia web, and open the address that it prints.";
  });
}
