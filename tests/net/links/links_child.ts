/**
 * A program of its own that sends and leaves, for tests: arguments are the target's link key in
 * hexadecimal digits, port, number of frames, and "exit" to leave by force.
 *
 * @module
 */

import process from "node:process";
import { fromHex } from "../../../core/model/bytes.ts";
import { x25519PublicKey } from "../../../lib/x25519.ts";
import { ZmqLinks } from "../../../net/links/zmq_links.ts";
import { SystemRandom } from "../../../net/system/system_random.ts";
import { SystemClock } from "../../../net/system/system_time.ts";

const [key = "", port, count, how] = process.argv.slice(2);
const ip = "127.0.0.1";
const links = new ZmqLinks({
  listen: { ip, port: 0 },
  clock: new SystemClock(),
  ownAddresses: () => [ip],
});
await links.open(new SystemRandom().bytes(32), () => {});
const target = { linkKey: fromHex(key) ?? new Uint8Array(0), addresses: [ip], port: Number(port) };
for (let i = 0; i < Number(count); i++) links.send(target, new Uint8Array(1_000).fill(i));
// Somebody who is not there must not hold up the leaving.
const nobody = x25519PublicKey(new SystemRandom().bytes(32));
links.send({ linkKey: nobody, addresses: [ip], port: 1 }, new Uint8Array(10));
await links.flush(5_000);
await links.close();
if (how === "exit") process.exit(0);
