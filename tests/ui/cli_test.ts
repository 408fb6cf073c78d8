import assert from "node:assert/strict";
import type { PostView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { VirtualClock } from "../sim/clock.ts";
import { FakePeer } from "./fake_peer.ts";
import { Machine } from "./fake_io.ts";

const alice = FakePeer.view("alice");
const bob = FakePeer.view("bob");

Deno.test("Commands print the documents of the contract", async () => {
  const m = await Machine.withAlice();
  assert.deepEqual(await m.json("whoami"), alice);
  assert.deepEqual(await m.json("login", "alice"), alice);
  const post = {
    id: "1000",
    author: "alice",
    text: "hello",
    created_at: "2026-01-01T00:00:00.000Z",
    reply_to: null,
  };
  assert.deepEqual(await m.json("post", "hello"), { post });
  assert.deepEqual(await m.json("timeline"), { posts: [] });
  assert.deepEqual(await m.json("follow", "bob"), {
    username: "bob",
    following: true,
    acknowledged: true,
  });
  assert.deepEqual(await m.json("unfollow", "bob"), {
    username: "bob",
    following: false,
    acknowledged: true,
  });
  const lists = { followers: [], following: [], posts: 0, online: true };
  assert.deepEqual(await m.json("profile"), { ...alice, ...lists });
  assert.deepEqual(await m.json("profile", "bob"), { ...bob, ...lists });
  assert.deepEqual(await m.json("suggest"), { suggestions: [] });
  const status = await m.json("status") as Record<string, unknown>;
  for (const key of ["node", "user", "links", "clock", "store"]) assert.ok(key in status, key);
  assert.deepEqual(await m.json("logout"), { username: "alice" });
  assert.deepEqual(await m.json("version"), { version: "1.2.3" });
});

Deno.test("A command without a running peer runs one, and leaves nothing of it", async () => {
  const m = await Machine.withAlice();
  await m.json("post", "hello");
  assert.equal(m.host.started.length, 2);
  assert.ok(m.host.started.every(({ peer }) => peer.stopped));
  assert.equal(m.host.locked.size, 0);
  assert.equal(m.io.interrupts.size, 0);
});

Deno.test("A peer of its own that a command registers or logs in with stays for nothing else", async () => {
  const m = await Machine.withAlice();
  const brief = () => m.host.started.at(-1)?.peer.brief;
  // Neither waits first for the network: both wait for it themselves, and do what needs none meanwhile.
  m.host.firstAttempt = new Promise(() => {});
  await m.json("register", "bob");
  assert.deepEqual(brief(), ["bob"]);
  await m.json("login", "alice");
  assert.deepEqual(brief(), ["alice"]);
  await m.json("post", "hello");
  assert.deepEqual(brief(), []);
});

Deno.test("Without --json results are text, and errors one sentence with exit code 1", async () => {
  const m = await Machine.withAlice();
  const posted = await m.run("post", "hello \x1b[31mworld");
  assert.match(posted.out, /^alice · .* · 1000\n {2}hello world\n$/);
  assert.equal(posted.code, 0);
  m.io.variables["CAMELLIA_PASSWORD"] = "wrong";
  const refused = await m.run("post", "hello");
  assert.deepEqual(refused, {
    code: 1,
    out: "",
    err: "error: Cannot log in alice: the password is wrong\n",
  });
});

Deno.test("A command that found no network says so, to people and not to scripts", async () => {
  const m = await Machine.withAlice();
  m.host.prepare = (peer) => peer.joined = false;
  const posted = await m.run("post", "hello", "-b", "192.0.2.1:8000");
  assert.equal(posted.code, 0);
  assert.match(
    posted.err,
    /^note: This was done without the network: no node answers at 192\.0\.2\.1:8000\. .*\n$/,
  );
  assert.match((await m.run("timeline")).err, /no node of it is known\. Name one with --bootstrap/);
  assert.equal((await m.run("--json", "post", "hello")).err, "");
  assert.equal((await m.run("--init", "post", "hello")).err, "");
  assert.equal((await m.run("status")).err, "");
});

Deno.test("A second follow of a user succeeds and says that it was so already", async () => {
  const m = await Machine.withAlice();
  m.host.prepare = (peer) => peer.following.add("bob");
  const already = { username: "bob", following: true, acknowledged: true, already: true };
  assert.deepEqual(await m.json("follow", "bob"), already);
  const { code, out } = await m.run("follow", "bob");
  assert.deepEqual([code, out], [0, "You follow bob already.\n"]);
});

Deno.test("Times are ages on a terminal, and exact where the output goes elsewhere", async () => {
  const m = await Machine.withAlice();
  m.host.prepare = (peer) => void peer.arrive("bob", "hello");
  assert.match((await m.run("timeline")).out, /^bob · 2026-01-01T00:00:00.000Z · 1000\n/);
  m.io.terminal.output = true;
  assert.doesNotMatch((await m.run("timeline")).out, /T00:00:00/);
});

Deno.test("A ~ at the beginning of a file's name is the home, wherever the shell left it", async () => {
  const m = await Machine.withAlice();
  const folders: string[] = [];
  const { openFolder } = m.host;
  m.host.openFolder = (path) => {
    folders.push(path);
    return openFolder.call(m.host, path);
  };
  await m.json("whoami", "--data=~/camellia");
  await m.json("whoami", "--data=~");
  await m.json("whoami", "--data=/srv/~alice");
  assert.deepEqual(folders, ["/home/user/camellia", "/home/user", "/srv/~alice"]);
  m.writeFile("/home/user/account", "sealed:bob");
  assert.deepEqual(await m.json("account", "import", "~/account"), bob);
  m.writeFile("/home/user/password", "imported\n");
  assert.deepEqual(await m.json("login", "bob", "--password-file=~/password"), bob);
  const refused = await m.failure("status", "--config=~/none.ini");
  assert.match(refused.message, /^Cannot read \/home\/user\/none.ini/);
});

Deno.test("What can be refused is refused before a person types more", async () => {
  const m = await Machine.withAlice();
  delete m.io.variables["CAMELLIA_PASSWORD"];
  m.io.terminal.input = true;
  assert.equal((await m.failure("register", "alice")).error, "name_taken");
  assert.deepEqual(m.asked, []);
  const unknown = await m.failure("login", "bob");
  assert.equal(unknown.error, "unknown_user");
  assert.match(unknown.message, /^Cannot log in bob: no user on the network has that name/);
  assert.deepEqual(m.asked, []);
  m.host.prepare = (peer) => {
    const message = "Cannot register bob: no other node has answered yet";
    peer.checkName = () => Promise.reject(new CamelliaError("not_joined", message));
  };
  assert.equal((await m.failure("register", "bob")).error, "not_joined");
  assert.deepEqual(m.asked, []);
  // Only a name that is known to be no user's is refused: the login itself tells what else is wrong.
  await m.failure("login", "bob");
  assert.deepEqual(m.asked.splice(0), ["Password of bob:"]);
  m.host.prepare = () => {};
  m.answers.push("secret", "wrong");
  assert.equal((await m.failure("passwd")).error, "wrong_password");
  assert.deepEqual(m.asked, ["Password of alice:", "Password of alice:"]);
});

Deno.test("A person whose new password does not do is asked for another, and a script is refused", async () => {
  const m = new Machine();
  m.host.prepare = (peer) => {
    const register = peer.register.bind(peer);
    peer.register = (account, signal) =>
      account.password === "weak"
        ? Promise.reject(new CamelliaError("weak_password", "Cannot use this password: weak"))
        : register(account, signal);
  };
  m.io.variables["CAMELLIA_PASSWORD"] = "weak";
  assert.equal((await m.failure("register", "bob")).error, "weak_password");
  delete m.io.variables["CAMELLIA_PASSWORD"];
  m.io.terminal.input = true;
  m.answers.push(..."one|other|weak|weak|secret|secret".split("|"));
  const { code, err } = await m.run("register", "bob", "--no-words");
  assert.equal(code, 0, err);
  assert.match(err, /the two entries differ.*\n[^]*Cannot use this password: weak/);
  assert.equal(m.asked.length, 6);
  assert.ok(m.host.accounts.has("bob"));
});

Deno.test("--log-file keeps the log in the data folder, and failures with it", async () => {
  const m = await Machine.withAlice();
  m.io.openFiles.add("/open");
  m.writeFile("/open", "secret");
  assert.equal((await m.run("whoami", "--log-file")).code, 0);
  await m.run("post", "x", "--log-file", "--password-file", "/open");
  await m.run("post", "", "--log-file");
  const [warning = "", failure = "", ...more] = m.host.logs.get("/data") ?? [];
  assert.match(warning, /^\d{4}-.*Z warn: Others can read the password file/);
  assert.match(failure, /^\d{4}-.*Z error: Cannot post: it is empty$/);
  assert.deepEqual(more, []);
  await m.run("post", "x", "--password-file", "/open");
  assert.equal(m.host.logs.get("/data")?.length, 2, "without the flag nothing is written");
});

Deno.test("--verbose tells which peer does the work, on standard error", async () => {
  const m = await Machine.withAlice();
  const alone = await m.run("whoami", "--verbose");
  assert.match(alone.err, /^note: No peer runs on \/data: this command does its work itself\n$/);
  assert.equal((await m.run("whoami")).err, "");
  const up = m.start("up", "--json");
  await up.io.until(() => up.io.stdout.includes("ready"));
  const { out, err } = await m.run("whoami", "-v", "--json");
  assert.deepEqual(JSON.parse(out), alice);
  const { log } = JSON.parse(err);
  assert.match(log.message, /^The peer that runs on \/data does it \(127\.0\.0\.1:\d+\)$/);
  up.io.interrupt();
  assert.equal(await up.ended, 0);
});

Deno.test("Flags are taken before and after the command", async () => {
  const m = await Machine.withAlice();
  const before = await m.run("--json", "-p", "0", "whoami");
  const after = await m.run("whoami", "-p", "0", "--json");
  assert.deepEqual(after, before);
});

Deno.test("Wrong usage exits with 2 and says what is allowed", async () => {
  const m = new Machine();
  const cases: readonly [args: string[], message: RegExp][] = [
    [["posst", "x"], /"posst" is no command\. Did you mean post\? "camellia help" lists them/],
    [["zebra", "x"], /^"zebra" is no command\. "camellia help" lists them/],
    [["help", "posst"], /"posst" is no command\. Did you mean post\?/],
    [["help", "account", "exprot"], /"exprot" is no command\. Did you mean export\?/],
    [["account", "help", "exprot"], /"exprot" is no command\. Did you mean export\?/],
    [["account", "exprot"], /unknown command 'exprot' \(Did you mean export\?\)/],
    [["help", "nonsense"], /"nonsense" is no command/],
    [["timeline", "--limt", "3"], /unknown option '--limt' \(Did you mean --limit\?\)/],
    [["timeline", "--jsn"], /unknown option '--jsn' \(Did you mean --json\?\)/],
    [["post"], /missing required argument 'text'/],
    [["post", "hello", "world"], /too many arguments/],
    [["post", "hi", "--reply", "x"], /unknown option '--reply'/],
    [["post", "hi", "--reply-to", "bob"], /AUTHOR\/ID/],
    [["post", "hi", "--reply-to", "/1"], /AUTHOR\/ID/],
    [["post", "hi", "--reply-to", "bob/1/2"], /AUTHOR\/ID/],
    [["post", "hi", "--reply-to", "bob/x"], /AUTHOR\/ID/],
    [["--data", "", "whoami"], /"" is not the name of a file or folder/],
    [["timeline", "--limit", "0"], /"0" is not a whole number from 1 to 1000/],
    [["timeline", "--limit", "1001"], /1 to 1000/],
    [["timeline", "--limit", "1e3"], /1 to 1000/],
    [["timeline", "--before", "-1"], /the id of a post/],
    [["timeline", "--before", "9223372036854775808"], /the id of a post/],
    [["node", "-p", "65536"], /a port from 0 to 65535/],
    [["node", "--listening-port", "x"], /a port from 0 to 65535/],
    [["node", "--ip", "localhost"], /"localhost" is not an IP address/],
    [["node", "-b", "127.0.0.1"], /HOST:PORT/],
    [["node", "-b", "127.0.0.1:0"], /HOST:PORT/],
    [["node", "--ntp-server", "a..b"], /"none"/],
    [["node", "--log-level", "loud"], /error, warn, info, debug/],
    [["follow", "bob", "--fingerprint", "xyz"], /16 hexadecimal digits/],
    [["follow", "bob", "--fingerprint", "0123456789abcde"], /16 hexadecimal digits/],
    [["follow", "bob", "--fingerprint", "0123456789abcdef0"], /16 hexadecimal digits/],
    [["account"], /A command is missing/],
    [["register"], /missing required argument 'name'/],
  ];
  for (const [args, message] of cases) {
    const failure = await m.failure(...args);
    assert.equal(failure.code, 2, args.join(" "));
    assert.equal(failure.error, "invalid_argument");
    assert.match(failure.message, message);
    const { code, out, err } = await m.run(...args);
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(err, /^error: .*\n$/);
  }
  assert.equal(m.host.started.length, 0);
});

Deno.test("What is said of arguments reaches the peer, at both ends of what is allowed", async () => {
  const m = await Machine.withAlice();
  const asked: unknown[] = [];
  m.host.prepare = (peer) => {
    const { timeline } = peer;
    peer.timeline = (request) => {
      asked.push(request);
      return timeline(request);
    };
    peer.follow = (request) => {
      asked.push(request);
      return Promise.resolve({ username: request.username, following: true, acknowledged: true });
    };
  };
  await m.json("timeline", "--limit", "1", "--before", "9223372036854775807");
  await m.json("timeline", "--limit", "1000", "--author", "bob");
  await m.json("timeline");
  await m.json("follow", "bob", "--fingerprint", "0123456789ABCDEF");
  assert.deepEqual(asked, [
    { limit: 1, before: "9223372036854775807" },
    { limit: 1000, author: "bob" },
    { limit: 20 },
    { username: "bob", fingerprint: "0123456789abcdef" },
  ]);
  const { post } = await m.json("post", "yes", "--reply-to", "bob/7") as { post: PostView };
  assert.deepEqual(post.reply_to, { author: "bob", id: "7" });
});

Deno.test("A timeline waits for what a peer of its own is still fetching, up to five seconds", async () => {
  const m = await Machine.withAlice();
  const clock = new VirtualClock({ eventsATurn: 1 });
  m.io.monotonic = () => clock.monotonic();
  m.io.after = (ms, fn) => clock.after(ms, fn);
  const shown = async (...arrivalsMs: number[]) => {
    m.host.prepare = (peer) => {
      for (const ms of arrivalsMs) clock.after(ms, () => peer.arrive("bob", `${ms}`));
    };
    const { posts } = await clock.drive(m.json("timeline")) as { posts: PostView[] };
    return posts.map((post) => Number(post.text)).reverse();
  };
  // The third comes when nothing has come for 600 ms.
  assert.deepEqual(await shown(500, 1_000, 1_700), [500, 1_000]);
  const endless = Array.from({ length: 15 }, (_, i) => 500 * i + 200);
  assert.deepEqual(await shown(...endless), endless.filter((ms) => ms <= 5_000));
});

Deno.test("Help and version go to standard output with exit code 0", async () => {
  const m = new Machine();
  for (const args of [["--help"], ["help"], ["post", "--help"], ["help", "post"]]) {
    const { code, out, err } = await m.run(...args);
    assert.equal(code, 0);
    assert.match(out, /Usage: camellia/);
    assert.match(out, /Examples:/);
    assert.equal(err, "");
  }
  assert.equal((await m.run("--version")).out, "1.2.3\n");
  assert.deepEqual(await m.json("--version"), { version: "1.2.3" });
  for (const command of ["up", "post", "account", "account export"]) {
    const { out } = await m.run(...command.split(" "), "--help");
    assert.match(out, /all flags of "camellia --help" are taken/, command);
  }
  const { out } = await m.run("help");
  const commands = [
    ..."register login logout whoami passwd account post timeline thread search follow".split(" "),
    "unfollow",
    ..."profile suggest status node up version invite join".split(" "),
  ];
  for (const command of commands) assert.match(out, new RegExp(`^ {2}${command}\\b`, "m"));
});

Deno.test("Flags win over the file in the data folder, and that over the shipped one", async () => {
  const m = new Machine();
  m.io.variables["CAMELLIA_PASSWORD"] = "secret";
  m.writeFile("/data/config.ini", "[DEFAULT]\nPORT = 1\nLISTENING_PORT = 2\n[NTP]\nSERVERS = none");
  await m.json("register", "alice", "-p", "5", "-b", "a.example:1", "-b", "[::1]:2", "--init");
  assert.deepEqual(m.host.started[0]?.settings, {
    udp: { ip: "::", port: 5 },
    listening: { ip: "::", port: 2 },
    bootstrap: [{ host: "a.example", port: 1 }, { host: "::1", port: 2 }],
    firstNode: true,
    lifespan: 30 * 86_400_000,
    ntpServers: [],
    quota: { posts: 10_000, bytes: 50_000_000, postsAnHour: 600 },
    exemptPrivate: "local",
    ntpTrustFar: false,
    publishPrivate: true,
    portMapping: true,
    relay: "auto",
    relaysOnly: false,
  });
  m.writeFile("/other.ini", "[PRIVACY]\nPUBLISH_PRIVATE = no\n[DEFAULT]\nANNOUNCED_IP = 192.0.2.1");
  await m.json("status", "--config", "/other.ini", "--ntp-server", "127.0.0.1:1123");
  const { settings } = m.host.started[1] ?? assert.fail();
  assert.equal(settings.udp.port, 8000);
  assert.equal(settings.publishPrivate, false);
  assert.equal(settings.announcedIp, "192.0.2.1");
  assert.deepEqual(settings.ntpServers, [{ host: "127.0.0.1", port: 1123 }]);
  assert.deepEqual(settings.bootstrap, []);
});

Deno.test("How a peer is reached is read from config.ini, and a mode that does not exist is refused", async () => {
  const m = await Machine.withAlice();
  const reach = "[REACH]\nMODE = Relay\nRELAY = no\nPORT_MAPPING = no\n";
  m.writeFile("/data/config.ini", reach);
  await m.json("status");
  const { relaysOnly, relay, portMapping } = m.host.started.at(-1)?.settings ?? assert.fail();
  assert.deepEqual([relaysOnly, relay, portMapping], [true, "no", false]);
  m.writeFile("/data/config.ini", "[REACH]\nMODE = tunnel\n");
  assert.match((await m.failure("status")).message, /line 2: MODE .*auto or relay/);
});

Deno.test("A config.ini that is wrong or missing stops a command, naming the line", async () => {
  const m = await Machine.withAlice();
  m.writeFile("/data/config.ini", "[DEFAULT]\nPROT = 1");
  const wrong = await m.failure("status");
  assert.deepEqual([wrong.code, wrong.error], [1, "invalid_config"]);
  assert.match(wrong.message, /Cannot use \/data\/config.ini: line 2: PROT is no key/);
  const missing = await m.failure("status", "--config", "/nowhere.ini");
  assert.equal(missing.error, "invalid_config");
  assert.match(missing.message, /\/nowhere.ini: there is no such file/);
});

Deno.test("The password comes from a file, the environment, or a prompt, in this order", async () => {
  const m = new Machine();
  const none = await m.failure("register", "alice");
  assert.deepEqual([none.code, none.error], [1, "no_password"]);
  assert.match(
    none.message,
    /without a new password of alice: .* --password-file FILE or in CAMELLIA_P/,
  );
  m.io.terminal.input = true;
  m.answers.push("typed", "typod", "typed", "typed");
  await m.json("register", "alice");
  assert.equal(m.host.accounts.get("alice"), "typed");
  m.answers.push("typed");
  await m.json("post", "hello");
  assert.deepEqual(m.asked.slice(-3), [
    "New password of alice (empty: one is made for you):",
    "The same again:",
    "Password of alice:",
  ]);
  m.io.variables["CAMELLIA_PASSWORD"] = "wrong";
  m.writeFile("/secret", "typed\r\nsecond line\n");
  await m.json("post", "hello", "--password-file", "/secret");
  m.io.openFiles.add("/secret");
  const { code, err } = await m.run("post", "hello", "--password-file", "/secret");
  assert.equal(code, 0);
  assert.match(err, /^warn: Others can read the password file \/secret.* chmod 600/);
  m.writeFile("/empty", "\ntyped");
  for (const file of ["/empty", "/nowhere"]) {
    assert.equal((await m.failure("post", "x", "--password-file", file)).error, "no_password");
  }
});

Deno.test("A command that will log in says so as soon as the folder is locked, where it has the password", async () => {
  const m = await Machine.withAlice();
  const expectedOf = async (...args: string[]) => {
    const { length } = m.host.expected;
    await m.run(...args);
    return m.host.expected.slice(length);
  };
  assert.deepEqual(await expectedOf("post", "hello"), [{ password: "secret" }]);
  assert.deepEqual(await expectedOf("--user", "alice", "status"), [
    { username: "alice", password: "secret" },
  ]);
  m.writeFile("/secret", "from a file\n");
  m.io.openFiles.add("/secret");
  m.io.stderr = "";
  assert.deepEqual(await expectedOf("timeline", "--password-file", "/secret"), [
    { password: "from a file" },
  ]);
  // Told by what reads the file for the login, and not twice.
  assert.equal(m.io.stderr.match(/Others can read/g)?.length, 1);
  assert.deepEqual(await expectedOf("post", "x", "--password-file", "/none"), [undefined]);
  assert.deepEqual(await expectedOf("whoami"), [undefined]);
  assert.deepEqual(await expectedOf("login", "Alice"), [{ username: "alice", password: "secret" }]);
  assert.deepEqual(await expectedOf("register", "bob"), [
    { username: "bob", password: "secret", isNew: true },
  ]);
  assert.deepEqual(await expectedOf("account", "recover", "alice"), [undefined]);
  m.io.variables = {};
  assert.deepEqual(await expectedOf("post", "hello"), [undefined]);
});

Deno.test("A peer that is started for its user says so as soon as the folder is locked, a node does not", async () => {
  const m = await Machine.withAlice();
  for (
    const [command, expected] of [["up", { password: "secret" }], ["node", undefined]] as const
  ) {
    const { io, ended } = m.start(command);
    await io.until(() => io.stdout.includes("ready"));
    assert.deepEqual(m.host.expected.at(-1), expected);
    io.interrupt();
    assert.equal(await ended, 0);
  }
});

Deno.test("A password is made of random words for a person who enters none", async () => {
  const m = new Machine();
  m.io.terminal.input = true;
  const { password } = m.prompts;
  m.prompts.password = async (message, signal) => {
    const made = /^It is: (.*) - write it down/.exec(message)?.[1];
    return made ?? await password(message, signal);
  };
  const { out, err } = await m.run("register", "alice");
  const made = m.host.accounts.get("alice") ?? "";
  assert.match(made, /^([a-z]{3,9} ){4}[a-z]{3,9}$/);
  assert.ok(!`${out}${err}`.includes(made), "the password stays on the screen");
  m.answers.push(made, made, "");
  await m.json("passwd");
  const changed = m.host.accounts.get("alice") ?? "";
  assert.notEqual(changed, made);
  m.prompts.password = password;
  m.answers.push(changed, changed, "", "mistyped");
  assert.equal((await m.failure("passwd")).error, "no_password");
});

Deno.test("register --local-keys asks the peer to keep the keys off the network", async () => {
  const m = new Machine();
  m.io.variables["CAMELLIA_PASSWORD"] = "secret";
  await m.json("register", "alice", "--local-keys");
  await m.json("logout");
  await m.json("register", "bob");
  assert.deepEqual([...m.host.local], ["alice"]);
});

Deno.test("passwd changes the password; account export and import move an account", async () => {
  const m = await Machine.withAlice();
  m.io.variables["CAMELLIA_NEW_PASSWORD"] = "changed";
  assert.deepEqual(await m.json("passwd"), { username: "alice" });
  assert.equal(m.host.accounts.get("alice"), "changed");
  m.io.variables["CAMELLIA_PASSWORD"] = "changed";
  const file = await Deno.makeTempFile();
  try {
    const refused = await m.failure("account", "export", file);
    assert.equal(refused.error, "invalid_argument");
    assert.match(refused.message, /exists already/);
    await Deno.remove(file);
    assert.deepEqual(await m.json("account", "export", file), { username: "alice", file });
    const { mode } = await Deno.stat(file);
    if (mode !== null) assert.equal(mode & 0o777, 0o600);
    m.io.files.set("/moved", await Deno.readFile(file));
  } finally {
    await Deno.remove(file).catch(() => {});
  }
  const other = new Machine();
  other.io.files.set("/moved", m.io.files.get("/moved") ?? assert.fail());
  assert.deepEqual(await other.json("account", "import", "/moved"), alice);
  other.io.files.set("/long", new Uint8Array(65_537));
  const long = await other.failure("account", "import", "/long");
  assert.match(long.message, /Cannot import \/long: it is too long/);
  other.io.files.set("/longest", new TextEncoder().encode("sealed:bob".padEnd(65_536)));
  await other.json("account", "import", "/longest");
  other.writeFile("/not", "an account");
  assert.equal((await other.failure("account", "import", "/not")).error, "invalid_file");
  assert.equal((await other.failure("account", "import", "/nowhere")).error, "invalid_file");
});

Deno.test("post - reads standard input without its last line break, and only UTF-8", async () => {
  const m = await Machine.withAlice();
  m.io.stdin = new TextEncoder().encode("two\nlines\n");
  const { post } = await m.json("post", "-") as { post: { text: string } };
  assert.equal(post.text, "two\nlines");
  m.io.stdin = new Uint8Array([0x61, 0xff]);
  assert.equal((await m.failure("post", "-")).error, "invalid_text");
  m.io.stdin = new TextEncoder().encode("\ufeffa\r\n\r\n");
  assert.equal((await m.json("post", "-") as { post: PostView }).post.text, "\ufeffa\r\n");
  m.io.stdin = new Uint8Array(65_536).fill(0x61);
  assert.equal((await m.json("post", "-") as { post: PostView }).post.text.length, 65_536);
  m.io.stdin = new Uint8Array(65_537).fill(0x61);
  assert.equal((await m.failure("post", "-")).error, "post_too_long");
  assert.match((await m.failure("post", "a\ufffd")).message, /not UTF-8.*post -/);
  m.io.stdin = new Uint8Array();
  assert.equal((await m.failure("post", "-")).error, "empty_post");
  const dashed = await m.json("post", "--", "-5 degrees") as { post: { text: string } };
  assert.equal(dashed.post.text, "-5 degrees");
});

Deno.test("Without an account, commands say how to get one; --user must be one", async () => {
  const m = new Machine();
  m.io.variables["CAMELLIA_PASSWORD"] = "secret";
  for (const command of [["whoami"], ["post", "x"], ["timeline"], ["up"], ["logout"]]) {
    const failure = await m.failure(...command);
    assert.equal(failure.error, "not_logged_in");
    assert.match(failure.message, /camellia register NAME.*camellia join INVITE NAME/);
  }
  assert.equal((await m.failure("post", "x", "--user", "a b")).error, "invalid_username");
  assert.equal((await m.failure("post", "x", "--user", "carol")).error, "unknown_user");
  assert.equal((await m.failure("whoami", "--user", "carol")).error, "not_logged_in");
  assert.equal(m.host.locked.size, 0);
});

Deno.test("The user who logged in last is the default of later commands", async () => {
  const m = await Machine.withAlice();
  await m.json("register", "bob");
  assert.deepEqual(await m.json("whoami"), bob);
  assert.deepEqual(await m.json("whoami", "--user", "alice"), alice);
  await m.json("login", "alice");
  assert.deepEqual(await m.json("whoami"), alice);
});

Deno.test("What the peer cannot start with is the command's error", async () => {
  const m = await Machine.withAlice();
  m.host.startError = new CamelliaError("udp_port_in_use", "Cannot listen on 8000: it is in use");
  assert.equal((await m.failure("post", "x")).error, "udp_port_in_use");
  m.host.startError = new TypeError("boom");
  const failure = await m.failure("post", "x");
  assert.deepEqual([failure.code, failure.error], [1, "internal"]);
  assert.doesNotMatch(failure.message, /cli_test/);
  const debug = await m.failure("post", "x", "--log-level", "debug");
  assert.match(debug.message, /cli_test/);
  assert.equal(m.host.locked.size, 0);
});

Deno.test("An interruption ends a command cleanly, a second one at once", async () => {
  const m = await Machine.withAlice();
  m.host.prepare = (peer) => {
    peer.follow = (_request, signal) =>
      new Promise((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
        m.io.interrupt();
      });
  };
  const failure = await m.failure("follow", "bob");
  assert.deepEqual([failure.code, failure.error], [1, "interrupted"]);
  assert.ok(m.host.started.at(-1)?.peer.stopped);
  assert.equal(m.host.locked.size, 0);
});
