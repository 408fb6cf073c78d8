/** Invites in the menu, with a peer in memory. */

import assert from "node:assert/strict";
import { readInvite, writeInvite } from "../../../core/model/invite.ts";
import { userNamed } from "../../sim/users.ts";
import { withTerminal } from "./terminal.ts";

const invite = writeInvite({
  inviter: userNamed("alice"),
  nodes: [{ ip: "192.0.2.7", port: 8000 }],
  token: new Uint8Array(16),
});

Deno.test("The first start with an invite leads to an account that follows the inviter", async () => {
  const m = withTerminal(
    "invite",
    invite,
    "register",
    "bob",
    "network",
    "secret",
    "secret",
    "quit",
  );
  m.host.prepare = (peer) => peer.arrive("alice", "welcome");
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.deepEqual(m.answers, []);
  assert.match(out, /✓ Registered: bob/);
  assert.match(out, /You follow alice\. 1 of alice's posts is here/);
  const config = m.io.files.get("/data/config.ini");
  assert.match(new TextDecoder().decode(config), /NODES = 192\.0\.2\.7:8000/);
  const [started] = m.host.started;
  assert.deepEqual([...started?.peer.following ?? []], ["alice"]);
});

Deno.test("An invite is the first entry where there is no account, and not where there is one", async () => {
  const m = withTerminal();
  const seen: string[][] = [];
  m.prompts.menu = ({ choices }) => {
    seen.push(choices.map(({ label }) => label));
    return Promise.resolve(["I have an invite", "Log out", "quit"][seen.length - 1] ?? "quit");
  };
  m.answers.push("later", invite, "register", "bob", "network", "secret", "secret");
  await m.run();
  assert.equal(seen[0]?.[0], "I have an invite");
  assert(seen[1]?.includes("Invite a friend"));
  assert(!seen[2]?.includes("I have an invite"));
  assert.deepEqual(m.answers, []);
});

Deno.test("What is typed as an invite is checked at once, and may be given up", async () => {
  const m = withTerminal("invite");
  const problems: (string | undefined)[] = [];
  m.prompts.text = ({ problem }) => {
    for (const typed of [invite, invite.slice(0, -1), "node.example:8000", " "]) {
      problems.push(problem?.(typed)?.replaceAll(/\s+/g, " "));
    }
    return Promise.resolve("");
  };
  m.answers.push("quit");
  await m.run();
  const [good, cut, none, empty] = problems;
  assert.deepEqual([good, empty], [undefined, undefined]);
  assert.match(cut ?? "", /cut or altered/);
  assert.match(none ?? "", /does not begin with camellia:/);
  assert.equal(m.host.started.length, 1);
});

Deno.test("A person with an account elsewhere logs in by an invite; giving up follows no user", async () => {
  const m = withTerminal("later", "I have an invite", invite, "enter", "bob", "secret", "quit");
  m.host.accounts.set("bob", "secret");
  const { out } = await m.run();
  assert.match(out, /✓ Logged in: bob[^]*You follow alice/);
  const quits = withTerminal(
    "later",
    "I have an invite",
    invite,
    "",
    "I have an invite",
    "",
    "quit",
  );
  assert.equal((await quits.run()).code, 0);
  const gone = withTerminal("later", "I have an invite", invite, "register", "", "quit");
  await gone.run();
  assert.deepEqual([...gone.host.started[0]?.peer.following ?? []], []);
});

Deno.test("An invite into a network that does not answer is refused above the menu", async () => {
  const m = withTerminal("invite", invite, "quit");
  m.host.prepare = (peer) => peer.joined = false;
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.match(out, /✗ Cannot join: none of its nodes answers/);
});

Deno.test("Invite a friend shows the string, and a code where the terminal has room", async () => {
  const m = withTerminal(..."init|Register|alice|network|secret|secret".split("|"));
  m.answers.push(
    "Invite a friend",
    "once",
    "Invite a friend",
    "many",
    "Invite a friend",
    "",
    "quit",
  );
  const { out } = await m.run();
  const invites = [...out.matchAll(/camellia:[\w-]+/g)].map(([text]) => readInvite(text));
  assert.deepEqual(invites.map(({ token }) => token?.length), [16, undefined]);
  assert.match(out, /Others connect to this peer/);
  assert.match(out, /█▄▄▄█/);
});
