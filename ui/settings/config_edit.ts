/**
 * Changes the text of a config.ini, and leaves all the rest of it as its owner wrote it: comments, order, blank
 * lines, line ends.
 *
 * @module
 */

import { formatHostPort, type HostPort } from "../../lib/host_port.ts";
import { parseConfig } from "./config.ts";
import { listLengthMax } from "./config_rules.ts";

/** What a config.ini begins with that the program writes. */
export const writtenHead =
  `; Written by camellia. Every key is explained in the config.ini that comes
; with the program.

`;

/** Also behind a byte order mark, which counts as white space. */
const sectionLine = /^\s*\[([^\]]*)\]/;

/** A line with a key, as `ini_lines.ts` reads it: the key, and the comment with the space before it. */
const keyLine = /^\s*([A-Za-z_]+)\s*=(?:\s*"[^"]*"|\s*'[^']*'|[^;#]*?)(\s*[;#].*)?$/;

/** Values by their keys; null for a key that is to go. Keys are in upper case. */
export type KeyChanges = Readonly<Record<string, string | null>>;

/** A section's first line, and the lines of its keys. */
interface Place {
  readonly head: number | undefined;
  readonly keys: ReadonlyMap<string, number>;
}

/** Where a section is, which may come twice, and its keys in either. */
function find(lines: readonly string[], section: string): Place {
  let head: number | undefined;
  let isInside = false;
  const keys = new Map<string, number>();
  for (const [at, line] of lines.entries()) {
    const name = sectionLine.exec(line)?.[1];
    if (name !== undefined) {
      isInside = name.trim().toUpperCase() === section;
      if (isInside) head ??= at;
      continue;
    }
    const key = isInside ? keyLine.exec(line)?.[1]?.toUpperCase() : undefined;
    if (key !== undefined && !keys.has(key)) keys.set(key, at);
  }
  return { head, keys };
}

/** The keys that a section has, in upper case. */
export function keysIn(text: string, section: string): ReadonlySet<string> {
  return new Set(find(text.split(/\r?\n/), section).keys.keys());
}

/**
 * The text with other values for keys of one section, in their lines and with the comments there. A key that is
 * not there comes below the head of its section, a section at the end.
 *
 * The values have to be such that `ini_lines.ts` reads them back: on one line, and without `;`, `#` and quotes.
 */
export function withKeys(text: string, section: string, changes: KeyChanges): string {
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = text === "" ? [] : text.replace(/\r?\n$/, "").split(/\r?\n/);
  const { head, keys } = find(lines, section);
  const added: string[] = [];
  const gone = new Set<number>();
  for (const [key, value] of Object.entries(changes)) {
    const at = keys.get(key);
    if (value === null) {
      if (at !== undefined) gone.add(at);
    } else if (at === undefined) added.push(`${key} = ${value}`.trimEnd());
    else {
      const remark = keyLine.exec(lines[at] ?? "")?.[2] ?? "";
      lines[at] = `${key} = ${value}`.trimEnd() + remark;
    }
  }
  const kept: string[] = [];
  for (const [at, line] of lines.entries()) {
    if (!gone.has(at)) kept.push(line);
    if (at === head) kept.push(...added);
  }
  if (head !== undefined || added.length === 0) return kept.map((line) => line + end).join("");
  const before = text === ""
    ? writtenHead
    : `${kept.map((line) => line + end).join("")}${kept.at(-1)?.trim() === "" ? "" : end}`;
  return `${before}[${section}]${end}${added.map((line) => line + end).join("")}`;
}

/** The value that a key has in a section, as it is written, without quotes; undefined where it has none. */
function valueIn(text: string, section: string, key: string): string | undefined {
  const lines = text.split(/\r?\n/);
  const at = find(lines, section).keys.get(key);
  if (at === undefined) return undefined;
  const line = lines[at] ?? "";
  const remark = keyLine.exec(line)?.[2] ?? "";
  const written = line.slice(line.indexOf("=") + 1, line.length - remark.length).trim();
  return written.replace(/^(["'])(.*)\1$/, "$2");
}

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
  const old = (valueIn(text, "BOOTSTRAP", "NODES") ?? "").split(/[,\s]+/)
    .filter((item) => item !== "");
  const all = [...added, ...old].slice(0, listLengthMax);
  return withKeys(text, "BOOTSTRAP", { NODES: all.join(", ") });
}
