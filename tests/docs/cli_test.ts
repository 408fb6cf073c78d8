/** docs/cli/: the schemas of what commands print for scripts. */

import assert from "node:assert/strict";
import type { CommandEntry } from "../../ui/shell/table.ts";
import { program } from "../../ui/commands/table.ts";
import { definitions, problemForScripts, type Schema, schemas } from "../cli_schemas.ts";
import { readText } from "./repository.ts";

/** The names of the schemas that the commands at and below this one need; what opens a screen or a help needs none. */
function neededBy(command: CommandEntry, path: readonly string[] = []): string[] {
  const own = [...path, command.name];
  const watch = command.flags.some(({ names }) => names.includes("--watch"));
  return [
    ...command.run === undefined ? [] : [own.join("-")],
    ...watch ? [[...own, "watch"].join("-")] : [],
    ...command.commands.flatMap((below) => neededBy(below, own)),
  ];
}

Deno.test("Every command has a schema, and no schema is without one", () => {
  const needed = program.commands.flatMap((command) => neededBy(command)).sort();
  assert.ok(needed.includes("followers-remove") && needed.includes("timeline-watch"));
  const described = [...schemas.keys()].filter((name) => name !== definitions && name !== "error");
  assert.deepEqual(described, needed);
});

/** Where a schema has no description of its own, nor one of what it refers to. */
function undescribed(schema: Schema, at: string): string[] {
  const { properties = {}, $defs = {}, items, anyOf = [], oneOf = [] } = schema;
  const isText = (text: string | undefined) => text !== undefined && /^[A-Z`].*\.$/.test(text);
  const isTold = schema.$ref !== undefined || at.endsWith("#") && schema.$defs !== undefined ||
    "type" in schema && schema.type === "null" || isText(schema.description);
  return [
    ...isTold ? [] : [at],
    ...Object.entries({ ...properties, ...$defs })
      .flatMap(([key, part]) => undescribed(part, `${at}/${key}`)),
    ...[...anyOf, ...oneOf, ...items === undefined ? [] : [items]]
      .flatMap((part, index) => undescribed(part, `${at}[${index}]`)),
  ];
}

Deno.test("Every schema has a title, and every field of it a sentence", () => {
  assert.deepEqual(undescribed({ properties: { a: {} }, description: "A." }, "x#"), ["x#/a"]);
  for (const [name, schema] of schemas) {
    assert.equal(
      (schema as { $schema?: string }).$schema,
      "https://json-schema.org/draft/2020-12/schema",
    );
    if (name !== definitions && name !== "error") {
      const [path = "", watch = ""] = name.split(/(-watch)$/);
      assert.equal(schema.title, `camellia ${path.replaceAll("-", " ")}${watch && " --watch"}`);
    }
    assert.match(schema.description ?? "", /\.$/, name);
    assert.deepEqual(undescribed(schema, `${name}#`), []);
  }
});

Deno.test("docs/cli/README.md lists the schemas", async () => {
  const text = await readText("docs/cli/README.md");
  const linked = [...text.matchAll(/\]\(([a-z-]+)\.json\)/g)].map(([, name]) => name);
  assert.deepEqual([...new Set(linked)].sort(), [...schemas.keys()]);
});

Deno.test("To scripts the schemas leave room for fields that are added, and for none that is missing", () => {
  const user = { username: "bob", fingerprint: "0123456789abcdef", online: true, name: null };
  assert.equal(problemForScripts("followers", { users: [user] }), undefined);
  assert.equal(problemForScripts("followers", { users: [{ ...user, later: 1 }] }), undefined);
  const { name: _, ...less } = user;
  assert.match(problemForScripts("followers", { users: [less] }) ?? "", /must have .*'name'/);
  assert.match(problemForScripts("followers", {}) ?? "", /must have .*'users'/);
  assert.match(problemForScripts("blocks", { blocks: ["Bob"] }) ?? "", /must match pattern/);
});
