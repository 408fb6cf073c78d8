import assert from "node:assert/strict";
import { readText } from "./repository.ts";

interface Box {
  readonly name: string;
  /** The source of its file; undefined for a person or another machine. */
  readonly source: string | undefined;
}

/** The boxes of a diagram by the letter that arrows use. */
async function boxesOf(diagram: string): Promise<Map<string, Box>> {
  const boxes = new Map<string, Box>();
  const pattern = /^\s*(?:participant|actor) (\w+) as ([^\n<]+)(?:<br\/>(\S+))?$/gm;
  for (const [, letter = "", name = "", path] of diagram.matchAll(pattern)) {
    boxes.set(letter, { name, source: path === undefined ? undefined : await readText(path) });
  }
  return boxes;
}

/** What the solid arrows of a diagram call that their files do not have. */
async function problemsOf(diagram: string): Promise<{ problems: string[]; calls: number }> {
  const boxes = await boxesOf(diagram);
  const problems: string[] = [];
  let calls = 0;
  for (
    const [line, from = "", to = "", method = ""] of diagram.matchAll(
      /^\s*(\w+)->>(\w+): (\w+)\(.*$/gm,
    )
  ) {
    const [caller, called] = [boxes.get(from), boxes.get(to)];
    if (caller?.source === undefined || called?.source === undefined) continue;
    calls++;
    const isDeclared = new RegExp(
      `^(?:export (?:async )?function |  (?:async |static |readonly )*)#?${method}(?:[(<]|: PeerApi)`,
      "m",
    );
    if (!isDeclared.test(called.source)) problems.push(`${line.trim()}: ${called.name} has none`);
    if (!new RegExp(`\\b${method}\\b`).test(caller.source)) {
      problems.push(`${line.trim()}: ${caller.name} does not name it`);
    }
  }
  return { problems, calls };
}

Deno.test("Every call in docs/FLOWS.md is in the code", async () => {
  const text = await readText("docs/FLOWS.md");
  const diagrams = [...text.matchAll(/```mermaid\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
  assert.ok(diagrams.length >= 4, `${diagrams.length} diagrams`);
  for (const diagram of diagrams) {
    const { problems, calls } = await problemsOf(diagram);
    assert.deepEqual(problems, []);
    assert.ok(calls > 3, `a diagram has only ${calls} calls`);
  }
});

Deno.test("A call that the code does not have is found", async () => {
  const diagram = [
    "sequenceDiagram",
    "  participant F as Follows<br/>core/follow/follow.ts",
    "  participant Y as PeerSync<br/>core/replication/sync.ts",
    "  F->>Y: fetchNothing(user)",
  ].join("\n");
  const { problems } = await problemsOf(diagram);
  assert.equal(problems.length, 2);
});
