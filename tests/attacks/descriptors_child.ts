/**
 * A peer's links and its loopback port, for attacks on the descriptors of a process of its own.
 *
 * It prints one line of JSON: the port and key of its links, and what the port file says. The loopback port's
 * `checkName("<key> <port>")` sends a frame to that device; `users()` answers how many frames have come, and how many
 * milliseconds of processor time all threads have had.
 *
 * @module
 */

import process from "node:process";
import { fromHex, toHex, utf8 } from "../../core/model/bytes.ts";
import { descriptorLimit } from "../../net/system/descriptor_limit.ts";
import { SystemRandom } from "../../net/system/system_random.ts";
import { SystemClock } from "../../net/system/system_time.ts";
import { ZmqLinks } from "../../net/links/zmq_links.ts";
import type { OpenFolder } from "../../ui/peer/host.ts";
import { LoopbackServer } from "../../ui/peer/loopback_server.ts";
import { linkKeys } from "../net/links/links_world.ts";
import { FakePeer } from "../ui/fake_peer.ts";

const ip = "127.0.0.1";
const links = new ZmqLinks({
  listen: { ip, port: 0 },
  clock: new SystemClock(),
  ownAddresses: () => [ip],
  descriptors: descriptorLimit(),
});
const keys = linkKeys();
let frames = 0;
const { port } = await links.open(keys.secretKey, () => frames++);
const api = new FakePeer();
api.users = () => {
  const { user, system } = process.cpuUsage();
  return Promise.resolve([String(frames), String((user + system) / 1_000)]);
};
api.checkName = (text) => {
  const [key = "", at] = text.split(" ");
  const linkKey = fromHex(key) ?? new Uint8Array(0);
  links.send({ linkKey, addresses: [ip], port: Number(at) }, Uint8Array.of(1));
  return Promise.resolve();
};
const print = async (bytes: Uint8Array) => {
  const peer = JSON.parse(new TextDecoder().decode(bytes));
  const ready = { port, key: toHex(keys.publicKey), peer };
  await Deno.stdout.write(utf8(`${JSON.stringify(ready)}\n`));
};
const random = new SystemRandom();
const folder: Partial<OpenFolder> = {
  writePrivate: (_name, bytes) => print(bytes),
  remove: () => Promise.resolve(),
};
await LoopbackServer.open({
  api,
  folder: folder as OpenFolder,
  host: { randomBytes: (length) => random.bytes(length) },
  log: () => {},
});
