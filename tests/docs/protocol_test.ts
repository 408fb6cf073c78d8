import assert from "node:assert/strict";
import { type AnyKind, messageKinds } from "../../core/messages/kinds/mod.ts";
import { type AnyMethod, methods } from "../../net/kademlia/rpc/methods/mod.ts";
import { readText } from "./repository.ts";

/** The rows of the table in a section of docs/PROTOCOL.md whose first column has this head. */
async function tableOf(head: string): Promise<string[][]> {
  const lines = (await readText("docs/PROTOCOL.md")).split("\n");
  const start = lines.findIndex((line) => new RegExp(`^\\| ${head} +\\|`).test(line));
  assert.ok(start >= 0, `docs/PROTOCOL.md has no table of each ${head}`);
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("|")) break;
    rows.push(line.split("|").slice(1, -1).map((cell) => cell.trim()));
  }
  return rows;
}

Deno.test("docs/PROTOCOL.md lists every kind of message, and who may send it", async () => {
  const rows = (await tableOf("kind")).map((cells) => cells.slice(0, 3));
  const wanted = (messageKinds as readonly AnyKind[]).map((
    { kind, allowedFrom, retry },
  ) => [`\`${kind}\``, allowedFrom, retry === "never" ? "never" : "until `ack`"]);
  assert.deepEqual(rows, wanted);
});

Deno.test("docs/PROTOCOL.md lists every method of the DHT, its arguments, and who may call it", async () => {
  const rows = (await tableOf("method")).map(([name, allowedFrom, args]) => [
    name,
    allowedFrom,
    args === "" ? 0 : args?.split(",").length,
  ]);
  const wanted = Object.values<AnyMethod>(methods).map((
    { name, allowedFrom, argumentCount },
  ) => [`\`${name}\``, allowedFrom, argumentCount]);
  assert.deepEqual(rows, wanted);
});
