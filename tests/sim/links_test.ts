import assert from "node:assert/strict";
import { x25519PublicKey } from "../../lib/x25519.ts";
import { linksContract, type LinksWorld } from "../net/links/links_contract.ts";
import { VirtualClock } from "./clock.ts";
import { SimLinks } from "./links.ts";
import { noFaults, SimLinkNetwork } from "./links_network.ts";
import { SeededRandom } from "./random.ts";

function simWorld(): LinksWorld {
  const clock = new VirtualClock();
  const random = new SeededRandom("links");
  const network = new SimLinkNetwork({ clock, random });
  network.foreign.add("203.0.113.7");
  const made: SimLinks[] = [];
  return {
    make(options = {}) {
      const own = options.ownAddresses;
      const links = new SimLinks({
        network,
        listen: options.listen ?? { ip: "127.0.0.1", port: 0 },
        ...(own && { ownAddresses: () => own }),
        ...(options.onFault && { onFault: options.onFault }),
      });
      made.push(links);
      return links;
    },
    keys() {
      const secretKey = random.bytes(32);
      return { secretKey, publicKey: x25519PublicKey(secretKey) };
    },
    freePort: () => Promise.resolve(network.freePort()),
    async until(condition, what) {
      assert.ok(await clock.until(condition, 60_000), what);
    },
    finish: (promise) => clock.drive(promise),
    monotonic: () => clock.monotonic(),
    async close() {
      for (const links of made) await links.close();
      await clock.run(clock.monotonic() + 1_000);
      assert.equal(clock.pending, 0);
    },
  };
}

linksContract("Simulated links", simWorld);

interface Pair {
  readonly clock: VirtualClock;
  readonly network: SimLinkNetwork;
  readonly sender: SimLinks;
  readonly receiver: SimLinks;
  readonly frames: number[];
  send(index: number): string;
}

async function pair(seed: string): Promise<Pair> {
  const clock = new VirtualClock();
  const random = new SeededRandom(seed);
  const network = new SimLinkNetwork({ clock, random: random.fork("network") });
  const sender = new SimLinks({ network, listen: { ip: "10.0.0.1", port: 0 } });
  const receiver = new SimLinks({ network, listen: { ip: "10.0.0.2", port: 0 } });
  const secretKey = random.bytes(32);
  const frames: number[] = [];
  const at = await receiver.open(secretKey, (frame) => frames.push(frame[0] ?? -1));
  await sender.open(random.bytes(32), () => {});
  const linkKey = x25519PublicKey(secretKey);
  const target = { linkKey, addresses: [at.ip], port: at.port };
  const send = (index: number) => sender.send(target, Uint8Array.of(index));
  return { clock, network, sender, receiver, frames, send };
}

Deno.test("A partition holds frames up and its end lets them through", async () => {
  const { clock, network, send, frames } = await pair("partition");
  network.partition([["10.0.0.1"], ["10.0.0.2"]]);
  send(1);
  await clock.advance(30_000);
  assert.deepEqual(frames, []);
  network.heal();
  await clock.advance(60_000);
  assert.deepEqual(frames, [1]);
});

Deno.test("Faults lose, repeat and reorder frames, the same for the same seed", async () => {
  const run = async () => {
    const { clock, network, send, frames } = await pair("faults");
    network.faults = {
      ...noFaults,
      loss: 0.1,
      duplication: 0.1,
      reordering: 0.2,
      breaking: 0.02,
      holdMsMax: 200,
    };
    for (let i = 0; i < 200; i++) {
      send(i);
      await clock.advance(10);
    }
    await clock.advance(60_000);
    return frames;
  };
  const frames = await run();
  assert.deepEqual(await run(), frames);
  const distinct = new Set(frames);
  assert.ok(distinct.size > 150 && distinct.size < 200, `${distinct.size} distinct`);
  assert.ok(frames.length > distinct.size, "some arrive twice");
  assert.ok(frames.some((frame, i) => frame < (frames[i - 1] ?? 0)), "some are overtaken");
});

Deno.test("A silent machine takes a connect nowhere, and a crashed peer says nothing", async () => {
  const { clock, network, sender, receiver, send, frames } = await pair("silent");
  network.setSilent("10.0.0.2", true);
  send(1);
  await clock.advance(5_000);
  network.setSilent("10.0.0.2", false);
  await clock.advance(5_000);
  assert.deepEqual(frames, [1]);
  receiver.crash();
  send(2);
  await clock.advance(5_000);
  assert.deepEqual(frames, [1]);
  sender.crash();
  assert.equal(send(3), "unreachable");
});

Deno.test("A hook sees every frame and may change or lose it", async () => {
  const { clock, network, send, frames } = await pair("hook");
  network.onFrame = ({ frame }) => frame[0] === 1 ? undefined : Uint8Array.of(9);
  send(1);
  send(2);
  await clock.advance(1_000);
  assert.deepEqual(frames, [9]);
  assert.deepEqual([network.delivered, network.lost], [1, 1]);
});
