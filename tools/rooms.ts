/**
 * The rooms of the house: every folder of the program, and which rooms its files may import.
 *
 * What a room is for is said in one sentence by its README.md, which docs/ARCHITECTURE.md repeats beside
 * this table. The lint plugin enforces the table; a test refuses a cycle in it.
 *
 * @module
 */

/** Rooms by path, each with the rooms that its files may import. A room may always import itself. */
export type Rooms = Readonly<Record<string, readonly string[]>>;

const core = ["lib", "core/model", "core/ports.ts"];
const useCase = [...core, "core/api.ts", "core/session"];
const messages = [...useCase, "core/messages", "core/messages/kinds"];
const dht = ["lib", "net/kademlia/constants.ts", "net/kademlia/ports.ts", "net/kademlia/space"];
const rpc = [...dht, "net/kademlia/rpc/methods", "net/kademlia/rpc"];
const lookups = [...rpc, "net/kademlia/table", "net/kademlia/lookup"];
const front = [
  "lib",
  "core/model",
  "core/api.ts",
  "ui/terminal",
  "ui/settings",
  "ui/views",
  "ui/output",
];
const commands = [...front, "ui/prompts", "ui/peer", "ui/shell", "ui/commands"];

/** All rooms, the lowest first. A single file is a room where others may import it but not its folder. */
export const rooms: Rooms = {
  "lib": [],
  "core/model": ["lib"],
  "core/messages/kinds": ["lib", "core/model"],
  "core/conversation_store.ts": ["lib", "core/model"],
  "core/store.ts": ["lib", "core/model", "core/conversation_store.ts"],
  "core/ports.ts": ["lib", "core/model", "core/store.ts"],
  "core/api.ts": ["core/model"],
  "core/session": useCase,
  "core/records": useCase,
  "core/people": useCase,
  "core/mutes": useCase,
  "core/accounts": [...useCase, "core/records", "core/people"],
  "core/messages": messages,
  "core/follow": messages,
  "core/conversations": [...messages, "core/conversation_store.ts"],
  "core/timeline": messages,
  "core/replication": messages,
  "core": [
    ...useCase,
    "core/records",
    "core/people",
    "core/mutes",
    "core/accounts",
    "core/messages",
    "core/follow",
    "core/conversations",
    "core/timeline",
    "core/replication",
  ],
  "net/kademlia/constants.ts": ["lib"],
  "net/kademlia/ports.ts": ["lib"],
  "net/kademlia/space": dht,
  "net/kademlia/rpc/methods": dht,
  "net/kademlia/rpc": rpc,
  "net/kademlia/table": rpc,
  "net/kademlia/lookup": lookups,
  "net/kademlia/values": lookups,
  "net/kademlia/service": [...lookups, "net/kademlia/values"],
  "net/kademlia": [
    "net/kademlia/ports.ts",
    "net/kademlia/rpc",
    "net/kademlia/values",
    "net/kademlia/service",
  ],
  "net/system": [...core, "net/kademlia/ports.ts"],
  "net/clock": [...core, "net/system"],
  "net/directory": [...core, "net/kademlia", "net/kademlia/ports.ts"],
  "net/links": core,
  "net/reach": [...core, "net/links"],
  "net/streams": [...core, "net/kademlia/constants.ts", "net/kademlia/ports.ts", "net/links"],
  "storage": [...core, "core/conversation_store.ts"],
  "ui/terminal": ["lib"],
  "ui/shell": ["lib", "ui/terminal"],
  "ui/settings": ["lib", "core/model", "core/api.ts", "ui/terminal", "ui/shell"],
  "ui/views": ["lib", "core/model", "core/api.ts", "ui/settings"],
  "ui/output": front,
  "ui/prompts": front,
  "ui/screen/key_table.ts": [],
  "ui/web/assets": [],
  "ui/web": [...front, "ui/screen/key_table.ts", "ui/views", "ui/web/assets"],
  "ui/peer": [...front, "ui/prompts", "ui/web"],
  "ui/commands": commands,
  "ui/screen": [...commands, "ui/screen/key_table.ts"],
  "ui/menu": [...commands, "ui/screen"],
  "ui": [...commands, "ui/screen", "ui/menu"],
};

/** The room of a file, both by path relative to the repository; undefined outside the house. */
export function roomOf(path: string): string | undefined {
  if (Object.hasOwn(rooms, path)) return path;
  const folder = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
  return Object.hasOwn(rooms, folder) ? folder : undefined;
}
