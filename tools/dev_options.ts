/**
 * The arguments of `deno task dev`.
 *
 * @module
 */

import { parseArgs } from "node:util";

/** Users in the order in which `--peers` takes them; the first peer is the bare node. */
export const names: readonly string[] = [
  "alice",
  "bob",
  "carol",
  "dave",
  "erin",
  "frank",
  "grace",
  "heidi",
  "ivan",
  "judy",
  "mallory",
];

/** Peers at most: the node and one a name. */
const peersMax = names.length + 1;

/** What `--help` prints. */
export const usage = `Usage: deno task dev [--peers N] [--fresh] [--data DIR]

  --peers N    how many peers to start, the bare node counted: 1 to ${peersMax} (default 5)
  --fresh      begin anew: removes the data first
  --data DIR   where the data is (default .dev); what peers complain of is in its NAME.log
`;

function parsePeers(text: string): number | undefined {
  const peers = Number(text);
  return /^\d+$/.test(text) && peers >= 1 && peers <= peersMax ? peers : undefined;
}

/** What `deno task dev` is asked for. */
export interface Options {
  /** How many, the bare node counted. */
  readonly peers: number;
  /** Whether data of an earlier run is removed. */
  readonly fresh: boolean;
  /** Where the data is, if not in .dev. */
  readonly data: string | undefined;
}

/** The options; `help`; or what is wrong with the arguments. */
export function readArguments(args: readonly string[]): Options | "help" | Error {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        peers: { type: "string", default: "5" },
        fresh: { type: "boolean", default: false },
        data: { type: "string" },
        help: { type: "boolean", default: false, short: "h" },
      },
    });
    if (values.help) return "help";
    const { fresh, data } = values;
    const peers = parsePeers(values.peers);
    if (data === "") return new Error("Cannot keep data in a folder without a name.");
    return peers === undefined
      ? new Error(`Cannot start ${values.peers} peers: say 1 to ${peersMax}.`)
      : { peers, fresh, data };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
