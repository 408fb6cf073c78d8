import assert from "node:assert/strict";
import { FakePeer } from "../fake_peer.ts";
import { Machine } from "../fake_io.ts";

const alice = FakePeer.view("alice");

/** A machine with a person in front of it, whose answers by question are these. */
function withPerson(answer: (message: string) => string | Promise<string>): Machine {
  const m = new Machine();
  m.io.terminal = { input: true, output: true, error: true };
  const text = m.prompts.text;
  m.prompts.text = async (question, signal) => {
    await text(question, signal);
    const typed = await answer(question.message);
    assert.equal(question.problem?.(typed), undefined, `${typed} at ${question.message}`);
    return typed;
  };
  m.prompts.password = () => Promise.resolve("secret");
  return m;
}

/** The word that a question asks for. */
async function wordAskedFor(message: string): Promise<string> {
  const number = /^Word (\d+) of/.exec(message)?.[1];
  return number === undefined ? "" : (await FakePeer.words("alice"))[Number(number) - 1] ?? "";
}

Deno.test("After a registration a person sees the words, and gives two of them", async () => {
  const m = withPerson(wordAskedFor);
  const { code, out, err } = await m.run("register", "alice");
  assert.equal(code, 0);
  const [shown = "", first = "", second = "", ...more] = m.asked;
  assert.deepEqual(more, []);
  for (const [i, word] of (await FakePeer.words("alice")).entries()) {
    assert.match(shown, new RegExp(`\\b${i + 1}\\. ${word}\\b`));
  }
  assert.match(first, /^Word \d+ of/);
  assert.match(second, /^Word \d+ of/);
  assert.notEqual(first, second);
  const secrets = (await FakePeer.words("alice")).filter((word) => `${out}${err}`.includes(word));
  assert.deepEqual(secrets, [], "the words stay on the screen");
});

Deno.test("A wrong word is said in place, and an empty one ends the check", async () => {
  const problems: (string | undefined)[] = [];
  const m = withPerson(() => "");
  const { text } = m.prompts;
  m.prompts.text = (question, signal) => {
    problems.push(question.problem?.("nonsense"));
    return text(question, signal);
  };
  assert.equal((await m.run("register", "alice")).code, 0);
  assert.equal(m.asked.length, 2);
  assert.match(problems[1] ?? "", /^That is not word \d+\./);
});

Deno.test("Scripts and those who want none are shown no words", async () => {
  for (const args of [["register", "alice", "--no-words"], ["register", "alice", "--json"]]) {
    const m = withPerson(() => assert.fail("nothing is to be asked"));
    assert.equal((await m.run(...args)).code, 0);
    assert.ok(!m.host.started[0]?.peer.calls.includes("recoveryWords"));
  }
  const piped = await Machine.withAlice();
  piped.io.terminal.input = true;
  assert.equal((await piped.run("register", "bob")).code, 0);
  assert.deepEqual(piped.asked, []);
});

Deno.test("account words shows the words for the password, without logging in", async () => {
  const m = await Machine.withAlice();
  const words = await FakePeer.words("alice");
  assert.deepEqual(await m.json("account", "words"), { words });
  assert.deepEqual(m.host.started.at(-1)?.peer.calls, ["recoveryWords"]);
  const { out } = await m.run("account", "words");
  assert.equal(out.trim().split("\n").length, 6);
  assert.deepEqual(out.replace(/\d+\./g, "").trim().split(/\s+/), words);
  m.io.variables["CAMELLIA_PASSWORD"] = "wrong";
  assert.equal((await m.failure("account", "words")).error, "wrong_password");
});

Deno.test("account recover sets another password with the words of a file, whoever else may read it", async () => {
  const m = new Machine();
  m.io.variables["CAMELLIA_PASSWORD"] = "another";
  const words = await FakePeer.words("alice");
  m.writeFile("/words", words.map((word, i) => `${i + 1}. ${word.toUpperCase()}\r\n`).join(""));
  const recover = ["account", "recover", "Alice", "--words-file", "/words"];
  assert.deepEqual(await m.json(...recover), alice);
  assert.equal(m.host.accounts.get("alice"), "another");
  m.io.openFiles.add("/words");
  assert.match(
    (await m.run(...recover)).err,
    /Others can read the words file \/words\. .*chmod 600/,
  );
  const failure = async (text: string) => {
    m.writeFile("/words", text);
    return await m.failure(...recover);
  };
  const { error, message } = await failure(words.with(2, "abandn").join(" "));
  assert.equal(error, "wrong_words");
  assert.match(message, /word 3, "abandn", is not in the list. Is it "abandon"\?/);
  assert.equal((await failure("")).error, "wrong_words");
  assert.equal((await failure((await FakePeer.words("bob")).join(" "))).error, "wrong_words");
  m.io.files.delete("/words");
  assert.match((await m.failure(...recover)).message, /Cannot read the words file \/words/);
  const none = await m.failure("account", "recover", "alice");
  assert.match(none.message, /Give them with --words-file FILE/);
});

Deno.test("A person types the words in as many lines as it takes, before a new password is asked for", async () => {
  const words = await FakePeer.words("alice");
  const lines = [words.slice(0, 10).join(" "), words.slice(10).join("  ")];
  const m = withPerson(() => lines.shift() ?? "");
  const { code, out } = await m.run("account", "recover", "alice");
  assert.equal(code, 0);
  assert.match(out, /^The new password is set\. Logged in: alice/);
  assert.deepEqual(m.asked, ["The 24 recovery words of alice:", "The words after the first 10:"]);
  m.prompts.password = () => assert.fail("no password is to be asked for");
  lines.push("zoo ".repeat(24));
  assert.match((await m.run("account", "recover", "alice")).err, /checksum is wrong/);
});

Deno.test("account close asks for the name, or wants --yes", async () => {
  const m = await Machine.withAlice();
  assert.match((await m.failure("account", "close")).message, /say --yes/);
  assert.match((await m.run("account", "close")).err, /say --yes/);
  m.io.terminal.input = true;
  const kept = await m.run("account", "close");
  assert.equal(kept.out, "The account alice stays as it is\n");
  assert.ok(m.host.accounts.has("alice"));
  m.answers.push("Alice");
  assert.equal((await m.run("account", "close")).out, "The account alice is closed\n");
  assert.ok(!m.host.accounts.has("alice"));
  const script = await Machine.withAlice();
  assert.deepEqual(await script.json("account", "close", "--yes"), alice);
  assert.equal((await script.failure("whoami")).error, "not_logged_in");
});
