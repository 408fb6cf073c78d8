/**
 * The rooms of the house: every folder of the program, what it is for, and which rooms it may import.
 *
 * The lint plugin enforces this table, docs/ARCHITECTURE.md repeats its sentences, and tests compare
 * the two.
 *
 * @module
 */

/** A folder, or a single file that other rooms may import where they may not import its folder. */
export interface Room {
  /** One sentence: what the room is for. */
  readonly purpose: string;
  /** Rooms that its files may import. A room may always import itself. */
  readonly imports: readonly string[];
}

const dht = ["lib", "net/kademlia/constants.ts", "net/kademlia/ports.ts"];
const core = ["lib", "core/model", "core/ports.ts"];
const useCase = [...core, "core/api.ts", "core/session"];
const front = ["lib", "core/model", "core/api.ts"];

/** All rooms by path, the lowest first: no room imports one that stands below it in this table. */
export const rooms: Readonly<Record<string, Room>> = {
  "lib": {
    purpose: "Small general pieces without I/O that no reader would call Camellia's.",
    imports: [],
  },
  "core/model": {
    purpose: "Values and their codecs: posts, records, names, keys, errors.",
    imports: ["lib"],
  },
  "core/messages/kinds": {
    purpose: "The table of message kinds: what each says, and who may send it.",
    imports: ["lib", "core/model"],
  },
  "core/ports.ts": {
    purpose: "What the core needs from outside, as interfaces that adapters implement.",
    imports: ["lib", "core/model"],
  },
  "core/api.ts": {
    purpose: "What a peer does for the person or script in front of it.",
    imports: ["core/model"],
  },
  "core/session": {
    purpose: "What every part of a login shares: the session itself and the parts' interfaces.",
    imports: [...core, "core/api.ts"],
  },
  "core/records": {
    purpose: "The user's own signed records and lists, kept in step with the DHT.",
    imports: useCase,
  },
  "core/people": {
    purpose: "Who a name is, where its devices are, profiles and suggestions.",
    imports: useCase,
  },
  "core/accounts": {
    purpose: "Registering, logging in, sealing the keys under a password.",
    imports: [...useCase, "core/records", "core/people"],
  },
  "core/messages": {
    purpose: "Signed messages between peers: out, and in through every check.",
    imports: [...useCase, "core/messages/kinds"],
  },
  "core/follow": {
    purpose: "Following and being followed.",
    imports: [...useCase, "core/messages", "core/messages/kinds"],
  },
  "core/timeline": {
    purpose: "Writing, delivering, showing and collecting posts.",
    imports: [...useCase, "core/messages", "core/messages/kinds"],
  },
  "core/replication": {
    purpose: "Fetching the posts that are missing here, answering what others lack.",
    imports: [...useCase, "core/messages", "core/messages/kinds"],
  },
  "core": {
    purpose: "The one door: a peer, and the peer of one user while logged in.",
    imports: [
      ...useCase,
      "core/records",
      "core/people",
      "core/accounts",
      "core/messages",
      "core/follow",
      "core/timeline",
      "core/replication",
    ],
  },
  "net/kademlia/constants.ts": {
    purpose: "The numbers of the DHT, each with its reason.",
    imports: [],
  },
  "net/kademlia/ports.ts": {
    purpose:
      "What the DHT needs from outside: time, randomness, a socket, disk, the meaning of a value.",
    imports: ["lib"],
  },
  "net/kademlia/space": {
    purpose: "The id space: ids, distances, addresses, contacts.",
    imports: dht,
  },
  "net/kademlia/rpc": {
    purpose: "Requests and responses on the wire: one file a method, timeouts, rate limits.",
    imports: [...dht, "net/kademlia/space"],
  },
  "net/kademlia/table": {
    purpose: "The routing table, and who enters it.",
    imports: [...dht, "net/kademlia/space", "net/kademlia/rpc"],
  },
  "net/kademlia/lookup": {
    purpose: "The iterative lookup, over disjoint paths, and the density that it measures.",
    imports: [...dht, "net/kademlia/space", "net/kademlia/rpc", "net/kademlia/table"],
  },
  "net/kademlia/values": {
    purpose: "Storing and reading values: here, on others, and across a restart.",
    imports: [
      ...dht,
      "net/kademlia/space",
      "net/kademlia/rpc",
      "net/kademlia/table",
      "net/kademlia/lookup",
    ],
  },
  "net/kademlia/service": {
    purpose: "A running node: joining, answering, upkeep.",
    imports: [
      ...dht,
      "net/kademlia/space",
      "net/kademlia/rpc",
      "net/kademlia/table",
      "net/kademlia/lookup",
      "net/kademlia/values",
    ],
  },
  "net/kademlia": {
    purpose: "The door of the DHT, which is usable on its own and knows nothing of Camellia.",
    imports: [
      "net/kademlia/ports.ts",
      "net/kademlia/space",
      "net/kademlia/values",
      "net/kademlia/service",
    ],
  },
  "net/system": {
    purpose: "The operating system's clock, randomness and UDP socket behind their ports.",
    imports: [...core, "net/kademlia/ports.ts"],
  },
  "net/clock": {
    purpose: "The clock corrected by NTP.",
    imports: [...core, "net/system"],
  },
  "net/directory": {
    purpose: "The DHT with the rules of records and claims applied.",
    imports: [...core, "net/kademlia", "net/kademlia/ports.ts"],
  },
  "net/links": {
    purpose: "ZeroMQ PUSH and PULL sockets behind the port of links.",
    imports: core,
  },
  "storage": {
    purpose: "Deno KV databases, key files, and the lock on a data folder.",
    imports: core,
  },
  "ui/terminal": {
    purpose: "The process around: streams, sizes, colours, widths, text made safe to show.",
    imports: ["lib"],
  },
  "ui/settings": {
    purpose: "Flags over config.ini over defaults.",
    imports: [...front, "ui/terminal"],
  },
  "ui/output": {
    purpose: "Results, events and failures as text and as JSON.",
    imports: [...front, "ui/terminal", "ui/settings"],
  },
  "ui/prompts": {
    purpose: "Questions to a person, and where a password comes from.",
    imports: [...front, "ui/terminal", "ui/settings", "ui/output"],
  },
  "ui/peer": {
    purpose: "The peer that serves a command: one's own, or the one that runs already.",
    imports: [...front, "ui/terminal", "ui/settings", "ui/output", "ui/prompts"],
  },
  "ui/commands": {
    purpose: "The commands for scripts.",
    imports: [...front, "ui/terminal", "ui/settings", "ui/output", "ui/prompts", "ui/peer"],
  },
  "ui/menu": {
    purpose: "The prompt menu.",
    imports: [
      ...front,
      "ui/terminal",
      "ui/settings",
      "ui/output",
      "ui/prompts",
      "ui/peer",
      "ui/commands",
    ],
  },
  "ui": {
    purpose: "From arguments to a command or the menu, and the exit code.",
    imports: [
      ...front,
      "ui/terminal",
      "ui/settings",
      "ui/output",
      "ui/prompts",
      "ui/peer",
      "ui/commands",
      "ui/menu",
    ],
  },
};

/** The room of a file, both by path relative to the repository; undefined outside the house. */
export function roomOf(path: string): string | undefined {
  if (Object.hasOwn(rooms, path)) return path;
  const folder = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
  return Object.hasOwn(rooms, folder) ? folder : undefined;
}

/** One cycle in a table of rooms, as a path that ends where it began; undefined where there is none. */
export function findCycle(table: Readonly<Record<string, Room>>): string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (room: string): string[] | undefined => {
    const at = path.indexOf(room);
    if (at >= 0) return [...path.slice(at), room];
    if (done.has(room)) return undefined;
    path.push(room);
    for (const next of table[room]?.imports ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    done.add(room);
    return undefined;
  };
  for (const room of Object.keys(table)) {
    const cycle = visit(room);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
