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

/** The token for writing lies where browsers keep the ports of a host apart. */
function keep(key, token) {
  // Sessions of an earlier run of the peer are over.
  for (const name of Object.keys(localStorage)) {
    if (name.startsWith("token/")) localStorage.removeItem(name);
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

if (code !== "" && said !== null) {
  enter().catch(() => {
    said.textContent =
      "The peer does not answer. Run camellia web, and open the address that it prints.";
  });
}
