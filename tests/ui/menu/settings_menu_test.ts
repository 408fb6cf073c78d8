import assert from "node:assert/strict";
import { utf8 } from "../../../core/model/bytes.ts";
import { withTerminal } from "./terminal.ts";

const registered = "init|Register|alice|network|secret|secret";

Deno.test("In the menu a setting is changed, and taken back to its default", async () => {
  const m = withTerminal(
    ...`${registered}|Settings|change|bootstrap.nodes|set|a.example:9|back|Settings`.split("|"),
    ..."change|bootstrap.nodes|unset|change||back|quit".split("|"),
  );
  const asked: string[] = [];
  const { choice, text } = m.prompts;
  m.prompts.choice = (question, signal) => {
    asked.push(question.message, ...question.choices.map(({ name }) => name));
    return choice(question, signal);
  };
  const problems: (string | undefined)[] = [];
  m.prompts.text = (question, signal) => {
    if (/Nodes to join/.test(question.message)) problems.push(question.problem?.("a.example"));
    return text(question, signal);
  };
  const { code, out } = await m.run();
  assert.equal(code, 0);
  assert.match(problems[0] ?? "", /"a\.example" is not a list of at most 64 HOST:PORT/);
  assert.match(out, /bootstrap\.nodes is written, and is in force/);
  assert.match(out, /bootstrap\.nodes has its default again/);
  assert.ok(asked.includes("Nodes to join through: a.example:9"));
  assert.ok(asked.includes("Back to the default: none"));
  const written = new TextDecoder().decode(m.io.files.get("/data/config.ini"));
  assert.doesNotMatch(written, /NODES/);
  assert.match(written, /INIT = yes/, "what the first start wrote is still there");
  assert.deepEqual(m.answers, []);
});

Deno.test("A file that was named with a flag is not changed by the menu", async () => {
  const m = withTerminal(..."Register|alice|network|secret|secret|Settings|quit".split("|"));
  m.io.files.set("/mine.ini", utf8("[BOOTSTRAP]\nINIT = yes\n"));
  const { out } = await m.run("--config", "/mine.ini");
  assert.match(out, /No setting can be changed: \/mine\.ini was named with --config/);
  assert.deepEqual(m.answers, []);
});
