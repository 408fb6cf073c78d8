/**
 * Adds nodes to the text of a config.ini, and leaves all the rest of it as its owner wrote it.
 *
 * @module
 */

import { formatHostPort, type HostPort } from "../../lib/host_port.ts";
import { listLengthMax, parseConfig } from "./config.ts";

/** What a config.ini begins with that the program writes. */
export const writtenHead =
  `; Written by camellia. Every key is explained in the config.ini that comes
; with the program.

`;

const section = /^\s*\[([^\]]*)\]/;
const nodesLine = /^\s*NODES\s*=/i;

/** The part of a line that is a comment, from the space before it on; as `ini_lines.ts` reads it. */
const comment = /\s*[;#].*$/;

/**
 * The text with these nodes under `[BOOTSTRAP]`, beside and before those there; the same text if they are
 * there already. Where there would be more than a list may have, the last go.
 *
 * @throws {CamelliaError} `invalid_config` if the text is no config.ini.
 */
export function withNodes(text: string, nodes: readonly HostPort[]): string {
  const known = parseConfig(new TextEncoder().encode(text), "config.ini").bootstrap ?? [];
  const nameOf = ({ host, port }: HostPort) => formatHostPort(host, port);
  const had = new Set(known.map(nameOf));
  const added = [...new Set(nodes.map(nameOf))].filter((name) => !had.has(name));
  if (added.length === 0) return text;
  const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  const head = lines.findIndex((line) =>
    section.exec(line)?.[1]?.trim().toUpperCase() === "BOOTSTRAP"
  );
  if (head < 0) {
    const before = text === "" ? writtenHead : `${lines.join("\n")}\n\n`;
    return `${before}[BOOTSTRAP]\nNODES = ${listOf(added)}\n`;
  }
  // A section may come twice, and its key may stand in either.
  let isInside = false;
  const at = lines.findIndex((line) => {
    const name = section.exec(line)?.[1];
    if (name !== undefined) isInside = name.trim().toUpperCase() === "BOOTSTRAP";
    return isInside && nodesLine.test(line);
  });
  if (at < 0) lines.splice(head + 1, 0, `NODES = ${listOf(added)}`);
  else {
    const line = lines[at] ?? "";
    const value = line.replace(nodesLine, "").replace(/\r$/, "");
    // Host names and addresses have no quotes and no comment signs.
    const remark = comment.exec(value)?.[0] ?? "";
    const old = value.slice(0, value.length - remark.length).replace(/["']/g, "")
      .split(/[,\s]+/).filter((item) => item !== "");
    lines[at] = `NODES = ${listOf([...added, ...old])}${remark}`;
  }
  return `${lines.join("\n")}\n`;
}

function listOf(names: readonly string[]): string {
  return names.slice(0, listLengthMax).join(", ");
}
