import assert from "node:assert/strict";
import { withIPv6 } from "../../ipv6.ts";
import { fileURLToPath } from "node:url";
import { toHex } from "../../../core/model/bytes.ts";
import type { LinkTarget } from "../../../core/ports.ts";
import { ZmqLinks, type ZmqLinksOptions } from "../../../net/links/zmq_links.ts";
import { queuedBytesTotalMax } from "../../../net/links/link_limits.ts";
import { SystemClock } from "../../../net/system/system_time.ts";
import { freePort, linkKeys, until } from "./links_world.ts";

const ip = "127.0.0.1";

function makeLinks(options: Partial<ZmqLinksOptions> = {}): ZmqLinks {
  return new ZmqLinks({
    listen: { ip, port: 0 },
    clock: new SystemClock(),
    ownAddresses: () => [ip],
    ...options,
  });
}

/** One port on which every device listens that the test wants: the link key tells them apart. */
async function receiver(): Promise<{ links: ZmqLinks; target: LinkTarget; frames: number[] }> {
  const links = makeLinks();
  const keys = linkKeys();
  const frames: number[] = [];
  const { port } = await links.open(keys.secretKey, (frame) => frames.push(frame[0] ?? -1));
  return { links, frames, target: { linkKey: keys.publicKey, addresses: [ip], port } };
}

async function closeAll(all: readonly { close(): Promise<void> }[]): Promise<void> {
  for (const one of all) await one.close();
}

Deno.test("Beyond its bound the cache closes the link used longest ago, never one that is busy", async () => {
  const sender = makeLinks({ linksMax: 3 });
  await sender.open(linkKeys().secretKey, () => {});
  const peers = await Promise.all(Array.from({ length: 8 }, receiver));
  for (const [i, peer] of peers.entries()) {
    // With three links at most, at first only three can be on their way.
    await until(() => sender.send(peer.target, Uint8Array.of(i)) === "queued", "room");
    assert.ok(sender.status().open <= 3);
  }
  await until(() => peers.every((peer) => peer.frames.length > 0), "all to have theirs");
  assert.deepEqual(peers.map((peer) => peer.frames), peers.map((_, i) => [i]));
  await closeAll([sender, ...peers.map((peer) => peer.links)]);
});

Deno.test("A link whose peer has not answered yet keeps its place, and others are told so", async () => {
  // A connect that hangs.
  const sender = makeLinks({ linksMax: 2, tcpConnect: () => new Promise(() => {}) });
  await sender.open(linkKeys().secretKey, () => {});
  const target = { linkKey: linkKeys().publicKey, addresses: [ip], port: 9 };
  assert.equal(sender.send(target, Uint8Array.of(1)), "queued");
  assert.equal(sender.send({ ...target, port: 10 }, Uint8Array.of(1)), "queued");
  assert.equal(sender.send({ ...target, port: 11 }, Uint8Array.of(1)), "full");
  await sender.close();
});

Deno.test("What waits for peers that are down gives way to frames for others", async () => {
  const sender = makeLinks();
  await sender.open(linkKeys().secretKey, () => {});
  const peer = await receiver();
  const large = new Uint8Array(1_000_000);
  const port = await freePort();
  let queued = 0;
  // A hundred devices that are down, each with a large frame, want more than the budget holds.
  for (let i = 0; i < 100; i++) {
    const target = { linkKey: linkKeys().publicKey, addresses: [ip], port };
    if (sender.send(target, large) === "queued") queued++;
    await sender.flush(1_000);
  }
  assert.ok(queued >= Math.floor(queuedBytesTotalMax / large.length));
  assert.equal(sender.send(peer.target, Uint8Array.of(1)), "queued");
  await until(() => peer.frames.length === 1, "the frame");
  await closeAll([sender, peer.links]);
});

for (const how of ["by itself", "exit"]) {
  Deno.test(`A program that flushes and closes has handed over everything (leaving: ${how})`, async () => {
    const peer = await receiver();
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...[
          "run",
          "-q",
          "-A",
          "--no-prompt",
          fileURLToPath(new URL("./links_child.ts", import.meta.url)),
        ],
        ...[toHex(peer.target.linkKey), String(peer.target.port), "200", how],
      ],
      stdout: "null",
    }).spawn();
    const status = await child.status;
    assert.equal(status.code, 0);
    await until(() => peer.frames.length === 200, "200 frames");
    assert.deepEqual(peer.frames, Array.from({ length: 200 }, (_, i) => i));
    await peer.links.close();
  });
}

Deno.test({
  ...withIPv6("Links work over IPv6, in brackets or not"),
  async fn() {
    const links = makeLinks({ listen: { ip: "::", port: 0 } });
    const sender = makeLinks();
    const keys = linkKeys();
    const frames: Uint8Array[] = [];
    const { port } = await links.open(keys.secretKey, (frame) => frames.push(frame));
    await sender.open(linkKeys().secretKey, () => {});
    for (const [i, address] of ["::1", "[::1]", ip].entries()) {
      const target = { linkKey: keys.publicKey, addresses: [address], port };
      assert.equal(await sender.probe(target, 1_000), true, address);
      assert.equal(sender.send(target, Uint8Array.of(i)), "queued");
    }
    await until(() => frames.length === 3, "frames over IPv6 and IPv4");
    await closeAll([sender, links]);
  },
});
