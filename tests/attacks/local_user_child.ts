/**
 * A PULL socket, and callers that go around the front door: first its own user, then another user of the
 * machine. It prints one line of JSON that says who was answered.
 *
 * @module
 */

import { utf8 } from "../../core/model/bytes.ts";
import type { InsideAddress } from "../../net/links/inside.ts";
import { bindPull } from "../../net/links/sockets.ts";

/** `nobody`; any other user would do. */
const otherUser = 65_534;

/** Whether the socket answers a greeting (ZMTP 3.1, section 2.2) or closes the connection. */
async function isAnswered(address: InsideAddress): Promise<boolean> {
  using conn = address.transport === "unix"
    ? await Deno.connect(address)
    : await Deno.connect(address);
  const greeting = new Uint8Array(64);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]);
  // With another mechanism libzmq hangs up, before it has said anything where the greeting came first.
  greeting.set(utf8("CURVE"), 12);
  await conn.write(greeting).catch(() => {});
  return await conn.read(new Uint8Array(64)).catch(() => null) !== null;
}

const pull = bindPull(new Uint8Array(32).fill(7));
const own = await isAnswered(pull.address);
const library = Deno.dlopen("libc.so.6", { seteuid: { parameters: ["u32"], result: "i32" } });
library.symbols.seteuid(otherUser);
const other = await isAnswered(pull.address);
library.symbols.seteuid(0);
library.close();
await Deno.stdout.write(utf8(`${JSON.stringify({ own, other })}\n`));
await pull.close();
