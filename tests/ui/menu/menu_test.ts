import assert from "node:assert/strict";
import { Interruption } from "../../../ui/output/failure.ts";
import { refreshed } from "../../../ui/prompts/live_prompt.ts";
import { Machine } from "../fake_io.ts";
import { withTerminal } from "./terminal.ts";
import { FakePeer } from "../fake_peer.ts";

Deno.test("Without a terminal the menu says what to do instead", async () => {
  const m = new Machine();
  const failure = await m.failure();
  assert.deepEqual([failure.code, failure.error], [1, "not_a_terminal"]);
  m.io.terminal.input = true;
  const { code, err } = await m.run();
  assert.equal(code, 1);
  assert.match(err, /standard output is not a terminal.*camellia help/);
  m.io.terminal.output = true;
  assert.equal((await m.failure()).error, "not_a_terminal");
});

Deno.test("The first start asks for a node to join through and remembers it", async () => {
  const m = withTerminal("join", " node.example:8000 ", "quit");
  assert.equal((await m.run()).code, 0);
  const node = { host: "node.example", port: 8000 };
  assert.deepEqual(m.host.started[0]?.settings.bootstrap, [node]);
  m.answers.push("quit");
  await m.run();
  assert.deepEqual(m.host.started[1]?.settings.bootstrap, [node]);
  const network = withTerminal("init", "quit");
  await network.run();
  assert.equal(network.host.started[0]?.settings.firstNode, true);
  const quit = withTerminal("quit");
  assert.equal((await quit.run()).code, 0);
  assert.equal(quit.host.started.length, 0);
});

Deno.test("Register, write, follow, read and log out", async () => {
  const m = withTerminal(
    ..."init|Register|Alice|network|secret|secret|New post|hello|Follow|bob|Timeline|back".split(
      "|",
    ),
    ..."Profile||Suggestions|Network|Settings|back|Unfollow|bob|Log out|quit".split("|"),
  );
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.match(out, /✓ Registered: alice/);
  assert.match(out, /alice · .*\n {2}hello\n/);
  assert.match(out, /You follow bob\./);
  assert.match(out, /No suggestions yet/);
  assert.match(out, /keeps posts +30 days/);
  assert.match(out, /You no longer follow bob\./);
  assert.match(out, /Logged out: alice/);
  assert.deepEqual(m.answers, []);
  assert.equal(m.host.locked.size, 0);
  assert.ok(m.host.started[0]?.peer.stopped);
});

Deno.test("The menu offers to keep the keys on this machine, unless the settings say so", async () => {
  const m = withTerminal(
    ..."init|Register|alice|local|secret|secret|Log out|Register|bob|network".split("|"),
    ..."secret|secret|quit".split("|"),
  );
  await m.run();
  assert.deepEqual([[...m.host.accounts.keys()], [...m.host.local]], [["alice", "bob"], ["alice"]]);
  const never = withTerminal(..."init|Register|carol|secret|secret|quit".split("|"));
  never.writeFile("/data/config.ini", "[PRIVACY]\nPUBLISH_PRIVATE = no\n");
  await never.run();
  assert.deepEqual([...never.host.accounts.keys()], ["carol"]);
});

Deno.test("After two entries that differ the password is asked again, and not where the keys are kept", async () => {
  const m = withTerminal(..."init|Register|alice|local|secret|other|secret|secret|quit".split("|"));
  const { out } = await m.run();
  assert.match(out, /the two entries differ/);
  assert.match(out, /✓ Registered: alice/);
  assert.deepEqual([...m.host.local], ["alice"]);
});

Deno.test("Settings name the ports in use where any free one was asked for", async () => {
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|Settings|back|Log out|quit".split("|"),
  );
  const { out } = await m.run("--port", "0", "--listening-port", "0");
  assert.match(out, /node on +\S+:8000 \(UDP, any free port\)/);
  assert.match(out, /posts on +\S+:7000 \(TCP, any free port\)/);
});

Deno.test("What was refused is said, and the menu comes back", async () => {
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|Follow|alice|Follow|unknown|Follow||Log out"
      .split("|"),
    ..."Register|alice|carol|network|secret|secret|Log out".split("|"),
    ..."Log in as alice|wrong|Log in as another user|zoe|secret|quit".split("|"),
  );
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.match(out, /✗ Cannot follow yourself/);
  assert.match(out, /✗ Cannot follow unknown/);
  assert.match(out, /✗ Cannot register alice: the name is taken/);
  assert.match(out, /✓ Registered: carol/);
  assert.match(out, /✗ Cannot log in alice: the password is wrong/);
  assert.match(out, /✗ Cannot log in zoe/);
  assert.deepEqual(m.answers, []);
});

Deno.test("Pages of the timeline, a reply, a changed password, an exported account", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const m = withTerminal(
      ..."init|Register|alice|network|secret|secret|Timeline|older|newest|reply|bob/1008|me too"
        .split("|"),
      ..."back|Account|password|secret|other|other|Account|export".split("|"),
      `${folder}/account`,
      "quit",
    );
    const limits = new Set<number>();
    m.host.prepare = (peer) => {
      for (let i = 0; i < 12; i++) peer.arrive("bob", `post ${i}`);
      const { timeline } = peer;
      peer.timeline = (request) => {
        limits.add(request.limit);
        return timeline(request);
      };
    };
    const { choice } = m.prompts;
    const offered: string[][] = [];
    m.prompts.choice = (question, signal) => {
      if (question.message === "Timeline") offered.push(question.choices.map((one) => one.value));
      return choice(question, signal);
    };
    const { code, out } = await m.run();
    assert.deepEqual([...limits], [6], "as many as the terminal has room for");
    const atTop = ["older", "back", "thread", "reply", "repost"];
    const further = ["older", "newest", "back", "thread", "reply", "repost"];
    assert.deepEqual(offered, [atTop, further, atTop, [...atTop, "delete"]]);
    assert.equal(code, 0);
    assert.match(out, /post 11\n[^]*post 0\n[^]*post 11\n/);
    assert.deepEqual(m.answers, []);
    const reply = m.host.started[0]?.peer.posts[0];
    assert.deepEqual([reply?.text, reply?.reply_to], ["me too", { author: "bob", id: "1008" }]);
    assert.equal(m.host.accounts.get("alice"), "other");
    assert.equal(await Deno.readTextFile(`${folder}/account`), "sealed:alice");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Ctrl+C at any prompt, and a signal at any time, leave cleanly with exit code 0", async () => {
  const all = "init|Register|alice|network|secret|secret|New post|hello|Settings|back|Log out"
    .split("|");
  for (let at = 0; at <= all.length; at++) {
    for (const how of ["prompt", "signal"]) {
      const m = withTerminal(...all.slice(0, at));
      const { prompts } = m;
      const ask = <T>(question: () => Promise<T>): Promise<T> => {
        if (m.answers.length > 0) return question();
        if (how === "signal") m.io.interrupt();
        const error = new Error("force closed");
        error.name = how === "signal" ? "AbortPromptError" : "ExitPromptError";
        return Promise.reject(error);
      };
      m.prompts = {
        password: (...args) => ask(() => prompts.password(...args)),
        text: (...args) => ask(() => prompts.text(...args)),
        compose: (...args) => ask(() => prompts.compose(...args)),
        choice: (...args) => ask(() => prompts.choice(...args)),
        menu: (...args) => ask(() => prompts.menu(...args)),
      };
      const { code, err } = await m.run();
      assert.equal(code, 0, `${at} ${how}`);
      assert.equal(err, "");
      assert.equal(m.host.locked.size, 0);
      for (const { peer } of m.host.started) assert.ok(peer.stopped);
    }
  }
});

Deno.test("The menu is drawn anew when a user logs in or out elsewhere", async () => {
  const m = withTerminal("init");
  m.io.variables["CAMELLIA_PASSWORD"] = "secret";
  const { prompts } = m;
  const seen: string[][] = [];
  m.prompts = {
    ...prompts,
    async menu(menu, signal) {
      seen.push(menu.choices.map(({ label }) => label));
      if (seen.length === 3) return "quit";
      signal.throwIfAborted();
      assert.equal(menu.stale.aborted, false);
      // Another terminal's command reaches this peer through the loopback port.
      await (seen.length === 1 ? m.json("register", "bob") : m.json("logout"));
      assert.ok(menu.stale.aborted);
      return "refresh";
    },
  };
  assert.equal((await m.run()).code, 0);
  assert.deepEqual(seen.map(([first]) => first), [
    "I have an invite",
    "New post",
    "Log in as bob",
  ]);
});

Deno.test("Above the menu stand what others did and what is the matter, and nothing twice", async () => {
  const m = withTerminal(..."init|Register|alice|network|secret|secret".split("|"));
  m.host.prepare = (peer) => peer.joined = false;
  const { prompts } = m;
  const seen: string[][] = [];
  const titles: string[] = [];
  const status = { contacts: 0, source: "system" as "ntp" | "system" };
  m.prompts = {
    ...prompts,
    async menu(menu, signal) {
      const look = menu.look();
      const note = () => {
        seen.push(menu.feed.lines(look, 100).map((line) => line.split(" · ")[0] ?? ""));
        titles.push(menu.title(look));
      };
      note();
      if (m.answers.length > 0) return prompts.menu(menu, signal);
      const peer = m.host.started[0]?.peer ?? assert.fail();
      const told = peer.status;
      peer.status = async () => {
        const { node, clock, ...rest } = await told();
        const { contacts, source } = status;
        const joined = contacts > 0;
        return { ...rest, node: { ...node, joined, contacts }, clock: { ...clock, source } };
      };
      peer.arrive("alice", "my own");
      peer.arrive("bob", "another's");
      peer.emit({ event: "follower", username: "carol", following: true });
      peer.emit({ event: "clock", source: "ntp", offset_ms: 3 });
      for (const contacts of [1, 2]) {
        Object.assign(status, { contacts, source: "ntp" });
        peer.emit({ event: "network", joined: true, contacts });
        // The status is asked for anew.
        await new Promise((resolve) => setTimeout(resolve));
        note();
      }
      peer.emit({ event: "login", user: FakePeer.view("zoe") });
      peer.emit({ event: "logout", username: "alice" });
      note();
      return "quit";
    },
  };
  assert.equal((await m.run()).code, 0);
  const alone = "No node of the network answers. Name one with --bootstrap HOST:PORT or in";
  const [first = [], second, ...later] = seen;
  assert.deepEqual([first[0], second?.[0]], [alone, alone]);
  const arrived = [...first, "bob", "  another's", "carol follows you"];
  const joined = (contacts: string) => `In the network with ${contacts}`;
  assert.deepEqual(later, [
    [...arrived, joined("1 contact")],
    [...arrived, joined("1 contact")],
    ["Logged out alice"],
  ]);
  assert.deepEqual(titles, [
    "Camellia · no other node yet · system clock",
    "alice · no other node yet · system clock",
    "alice · 1 contact",
    "alice · 2 contacts",
    "alice · 2 contacts",
  ]);
});

Deno.test("A menu whose peer stops in another process ends with the reason", async () => {
  const m = await Machine.withAlice();
  m.io.terminal = { input: true, output: true, error: false };
  const up = m.start("up", "--json");
  await up.io.until(() => up.io.stdout.includes('"ready"'));
  m.prompts.menu = (menu) => {
    up.io.interrupt();
    const { promise, resolve } = Promise.withResolvers<string>();
    if (menu.stale.aborted) resolve("refresh");
    menu.stale.addEventListener("abort", () => resolve("refresh"), { once: true });
    return promise;
  };
  const { code, err } = await m.run();
  assert.equal(code, 1);
  assert.match(err, /The peer that .* has stopped/);
  await up.ended;
});

Deno.test("A menu on a folder whose peer runs already uses that peer", async () => {
  const m = await Machine.withAlice();
  m.io.terminal = { input: true, output: true, error: false };
  const up = m.start("up", "--json");
  await up.io.until(() => up.io.stdout.includes('"ready"'));
  const started = m.host.started.length;
  m.answers.push("New post", "from the menu", "Log out", "", "quit");
  assert.equal((await m.run()).code, 0);
  assert.equal(m.host.started.length, started);
  const peer = m.host.started.at(-1)?.peer ?? assert.fail();
  assert.equal(peer.posts[0]?.text, "from the menu");
  assert.ok(m.asked.some((question) => question.startsWith("The peer runs in another process.")));
  assert.equal(peer.user?.username, "alice", "it was asked, and not answered with yes");
  m.answers.push("Log out", "yes", "quit");
  assert.equal((await m.run()).code, 0);
  assert.equal(peer.user, undefined);
  assert.equal(peer.stopped, false, "a peer that was started elsewhere runs on");
  assert.deepEqual(await m.json("login", "alice"), FakePeer.view("alice"));
  assert.deepEqual(await m.json("logout"), { username: "alice" });
  assert.equal(await up.ended, 0, "a logout as a command ends it");
});

Deno.test("What is typed wrong is said in place, in lines that fit", async () => {
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|Follow||New post||quit".split("|"),
  );
  const problems = new Map<string, (typed: string) => string | undefined>();
  const { text } = m.prompts;
  m.prompts.text = (question, signal) => {
    if (question.problem !== undefined) problems.set(question.message, question.problem);
    return text(question, signal);
  };
  const { compose } = m.prompts;
  m.prompts.compose = (question, signal) => {
    problems.set(question.message, question.problem);
    return compose(question, signal);
  };
  assert.equal((await m.run()).code, 0);
  const nameProblem = problems.get("Follow whom? (empty: back)") ?? assert.fail();
  assert.equal(nameProblem(""), undefined);
  assert.equal(nameProblem(" Alice "), undefined);
  const problem = nameProblem("a b") ?? "";
  assert.match(problem, /other characters/);
  for (const line of problem.split("\n")) assert.ok(line.length < 80);
  const postProblem = problems.get("New post") ?? assert.fail();
  assert.equal(postProblem("x".repeat(500)), undefined);
  assert.equal(postProblem("é".repeat(501)), "That has 501 characters; a post has at most 500");
});

Deno.test("Lifespans are told in their largest units", async () => {
  const cases = [
    ["DAYS = 30", "30 days"],
    ["DAYS = 1\nHOURS = 1\nMINUTES = 1\nSECONDS = 1", "1 day 1 hour 1 minute 1 second"],
    ["ACTIVE = no", "for ever"],
  ] as const;
  for (const [lines, told] of cases) {
    const m = withTerminal(
      ..."init|Register|alice|network|secret|secret|Settings|back|quit".split("|"),
    );
    m.writeFile("/data/config.ini", `[MESSAGE_LIFESPAN]\n${lines}\n`);
    const { out } = await m.run();
    assert.match(out, new RegExp(`keeps posts +${told}\n`));
  }
  assert.equal(new Interruption("SIGINT").code, "interrupted");
});

Deno.test("Five accounts are offered to log in with, the last one first", async () => {
  const names = ["amy", "bob", "carol", "dave", "erin", "frank"];
  const register = (name: string) => `Register|${name}|network|secret|secret|Log out`.split("|");
  const m = withTerminal("init", ...names.flatMap(register), "quit");
  const { prompts } = m;
  let labels: string[] = [];
  m.prompts = {
    ...prompts,
    menu(menu, signal) {
      labels = menu.choices.map(({ label }) => label);
      return prompts.menu(menu, signal);
    },
  };
  assert.equal((await m.run()).code, 0);
  assert.deepEqual(labels.filter((label) => label.startsWith("Log in as ")), [
    ..."frank erin dave carol bob".split(" ").map((name) => `Log in as ${name}`),
    "Log in as another user",
  ]);
});

Deno.test("A page of the timeline has as many posts as the terminal has room for, three at least", async () => {
  for (const [rows, limit] of [[5, 3], [17, 3], [18, 4], [23, 5], [24, 6], [60, 18]] as const) {
    const m = withTerminal(
      ..."init|Register|alice|network|secret|secret|Timeline|back|quit".split("|"),
    );
    m.io.size = () => ({ columns: 80, rows });
    const limits: number[] = [];
    m.host.prepare = (peer) => {
      peer.timeline = (request) => {
        limits.push(request.limit);
        return Promise.resolve({ posts: [] });
      };
    };
    await m.run();
    assert.deepEqual(limits, [limit], `${rows} rows`);
  }
});

Deno.test("Where a page was the last one the menu says so, and offers the newest posts again", async () => {
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|Timeline|older|newest|reply||back|quit".split(
      "|",
    ),
  );
  m.host.prepare = (peer) => {
    for (let i = 0; i < 6; i++) peer.arrive("bob", `post ${i} ${"long ".repeat(30)}`);
  };
  const { choice } = m.prompts;
  const offered: string[][] = [];
  const posts: string[] = [];
  m.prompts.choice = (question, signal) => {
    if (question.message === "Timeline") offered.push(question.choices.map((one) => one.value));
    if (question.message === "Reply to which post?") {
      posts.push(...question.choices.map((one) => one.name));
    }
    return choice(question, signal);
  };
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.match(out, /That was all\./);
  const atTop = ["older", "back", "thread", "reply", "repost"];
  assert.deepEqual(offered, [atTop, ["newest", "back"], atTop, atTop]);
  assert.deepEqual([posts.length, posts[0]], [7, "Back"]);
  assert.match(posts[1] ?? "", /^bob: post 5 long/);
  assert.ok(posts.every((name) => name.length <= 74), "they fit the terminal behind the mark");
  assert.deepEqual(m.answers, []);
});

Deno.test("Who is suggested can be followed at once, and where there is nothing to choose nothing is asked", async () => {
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|Unfollow|Suggestions|carol".split("|"),
    ..."Suggestions||Profile|carol|Settings|back|Unfollow||quit".split("|"),
  );
  m.host.prepare = (peer) => {
    peer.suggestions = ["bob", "carol"].map((username) => ({
      username,
      kind: "popular",
      reason: "followed by 2 users nearby",
    }));
  };
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.match(out, /You follow no users\./);
  assert.match(out, /You follow carol\./);
  assert.match(out, /carol \([0-9a-f]{16}\) · online/);
  assert.deepEqual([...m.host.started[0]?.peer.following ?? []], ["carol"]);
  assert.deepEqual(m.answers, []);
});

Deno.test("The menu shows the recovery words after a registration and in the account's entries", async () => {
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|Account|words|secret|Log out|quit".split("|"),
  );
  const shown: string[] = [];
  const { text } = m.prompts;
  m.prompts.text = (question, signal) => {
    if (question.message.startsWith("These 24 words")) shown.push(question.message);
    return text(question, signal);
  };
  const { out } = await m.run();
  const words = await FakePeer.words("alice");
  assert.equal(shown.length, 2);
  for (const message of shown) assert.ok(words.every((word) => message.includes(word)));
  assert.deepEqual(words.filter((word) => word.length > 5 && out.includes(word)), []);
  assert.deepEqual(m.answers, []);
});

Deno.test("The menu recovers an account with its words, and logs another device out", async () => {
  const words = (await FakePeer.words("alice")).join(" ");
  const m = withTerminal(
    ..."init|Recover an account||Recover an account|alice".split("|"),
    words,
    ..."other|other|Account|devices|17|Account|devices|Account||quit".split("|"),
  );
  const addresses = ["192.0.2.1:7000"];
  const until = "2026-01-01T00:10:00.000Z";
  m.host.prepare = (peer) => peer.others = [{ device: 17, this: false, addresses, until }];
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.equal(m.host.accounts.get("alice"), "other");
  assert.match(out, /✓ The new password is set, and you are logged in: alice/);
  assert.match(out, / {2}17 {2}until 00:10 UTC {2}192\.0\.2\.1:7000\n/);
  assert.match(out, /The device is removed/);
  assert.deepEqual(m.answers, []);
});

Deno.test("Why another device has logged this one out stands above the menu", async () => {
  const m = withTerminal(..."init|Register|alice|network|secret|secret".split("|"));
  const message = "The password of alice was changed on another device";
  const why = { code: "password_changed", message } as const;
  m.prompts.menu = async (menu) => {
    const peer = m.host.started[0]?.peer;
    if (peer?.user === undefined) {
      const lines = menu.feed.lines(menu.look(), 20);
      if (lines.includes(message)) return "quit";
      return m.answers.shift() ?? assert.fail("the menu waits for an answer");
    }
    peer.user = undefined;
    peer.emit({ event: "logout", username: "alice", why });
    return await Promise.resolve(refreshed);
  };
  assert.equal((await m.run()).code, 0);
});

Deno.test("The menu closes an account once its name is typed, and not before", async () => {
  const m = withTerminal(
    ..."init|Register|alice|network|secret|secret|Account|close||Account|close|alice".split("|"),
    "quit",
  );
  const { out } = await m.run();
  assert.match(out, /The account alice is closed\./);
  assert.deepEqual(
    m.host.started[0]?.peer.calls.filter((name) => name === "closeAccount").length,
    1,
  );
  assert.deepEqual([...m.host.accounts.keys()], []);
  assert.deepEqual(m.answers, []);
});
