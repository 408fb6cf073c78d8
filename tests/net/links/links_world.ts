/**
 * Real sockets on loopback, for tests of links.
 *
 * @module
 */

import { x25519PublicKey } from "../../../lib/x25519.ts";
import { ZmqLinks } from "../../../net/links/zmq_links.ts";
import { SystemRandom } from "../../../net/system/system_random.ts";
import { SystemClock } from "../../../net/system/system_time.ts";
import type { LinkKeys, LinksWorld, MakeOptions } from "./links_contract.ts";

/** Longer than anything here takes on a machine that is busy with other things. */
const untilMsMax = 20_000;
const lookMs = 3;

const clock = new SystemClock();

/** Resolves after that many real milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}

/** Resolves when the condition holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = clock.monotonic() + untilMsMax;
  while (!condition()) {
    if (clock.monotonic() > deadline) throw new Error(`Cannot go on: waited in vain for ${what}`);
    await pause(lookMs);
  }
}

/** A fresh CURVE key pair. */
export function linkKeys(): LinkKeys {
  const secretKey = new SystemRandom().bytes(32);
  return { secretKey, publicKey: x25519PublicKey(secretKey) };
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return Promise.resolve(port);
}

/** A world of real sockets. */
export function zmqWorld(): LinksWorld {
  const made: ZmqLinks[] = [];
  return {
    make(options: MakeOptions = {}) {
      const links = new ZmqLinks({
        listen: options.listen ?? { ip: "127.0.0.1", port: 0 },
        ownAddresses: () => options.ownAddresses ?? ["127.0.0.1"],
        clock,
        ...(options.onFault && { onFault: options.onFault }),
      });
      made.push(links);
      return links;
    },
    keys: linkKeys,
    freePort,
    until,
    finish: (promise) => promise,
    monotonic: () => clock.monotonic(),
    async close() {
      for (const links of made) await links.close();
    },
  };
}
