/**
 * Asking the home router to let ports in, by PCP and NAT-PMP together.
 *
 * @module
 */

import type { Random } from "../../lib/random.ts";
import type { Time } from "../../lib/time.ts";
import { pause } from "../../lib/waiting.ts";
import { gatewayOf } from "./gateway.ts";
import { type HomeAddress, homeAddresses } from "./interfaces.ts";
import {
  type Mapping,
  mappingPort,
  type MappingRequest,
  natPmpRequest,
  nonceBytes,
  pcpRequest,
  readNatPmp,
  readPcp,
} from "./mapping_codec.ts";

/** When a question to the router is asked again, in ms (RFC 6886, section 3.1, has 250 ms, doubling). */
const repeatMs = [0, 250, 500, 1_000] as const;

/** How long a router is waited for, whatever it speaks. */
const mapMsMax = 2_500;

/** Has a router let a port in, or takes that back; undefined where none does. Never rejects. */
export type MapPort = (
  request: MappingRequest,
  signal: AbortSignal,
) => Promise<Mapping | undefined>;

/** What the mappers need. */
export interface MapperOptions {
  /** Time. */
  readonly time: Pick<Time, "after">;
  /** Draws nonces. */
  readonly random: Random;
  /** Where the router is; replaceable for tests. */
  readonly gateway?: (home: HomeAddress | undefined) => Promise<string | undefined>;
  /** The router's port; replaceable for tests. */
  readonly port?: number;
  /** This machine's addresses; replaceable for tests. */
  readonly home?: () => readonly HomeAddress[];
}

/** PCP and NAT-PMP: asks in both, since a router that lacks the one leaves it unanswered or refuses it. */
export function routerMapper(options: MapperOptions): MapPort {
  const { time, random, gateway = gatewayOf, port = mappingPort, home = homeAddresses } = options;
  return async (request, signal) => {
    try {
      const [own] = home();
      const router = await gateway(own);
      if (own === undefined || router === undefined) return undefined;
      const nonce = random.bytes(nonceBytes);
      const questionsFor = (asked: MappingRequest) =>
        [pcpRequest(asked, own.ip, nonce), natPmpRequest(asked)].filter((one) => one !== undefined);
      return await askRouter({ ip: router, port }, questionsFor(request), {
        time,
        signal,
        takeBack: questionsFor({ ...request, lifetimeS: 0 }),
        read: (bytes) => readPcp(bytes, request, nonce) ?? readNatPmp(bytes, request),
      });
    } catch {
      return undefined;
    }
  };
}

/**
 * Sends the questions again and again, and returns the first answer that makes sense. Where it is ended before,
 * the router may have granted already what was asked: that is taken back.
 */
async function askRouter(
  to: { readonly ip: string; readonly port: number },
  questions: readonly Uint8Array[],
  how: {
    readonly time: Pick<Time, "after">;
    readonly signal: AbortSignal;
    readonly takeBack: readonly Uint8Array[];
    readonly read: (bytes: Uint8Array) => Mapping | undefined;
  },
): Promise<Mapping | undefined> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  const over = new AbortController();
  const answered = async (): Promise<Mapping> => {
    for (;;) {
      const [bytes, from] = await socket.receive();
      const isRouter = from.transport === "udp" && from.hostname === to.ip && from.port === to.port;
      const mapping = isRouter ? how.read(bytes) : undefined;
      if (mapping !== undefined) return mapping;
    }
  };
  const say = async (all: readonly Uint8Array[]): Promise<void> => {
    const address = { transport: "udp", hostname: to.ip, port: to.port } as const;
    for (const one of all) await socket.send(one, address);
  };
  const asked = async (): Promise<undefined> => {
    for (const ms of repeatMs) {
      await pause(how.time, ms, over.signal);
      if (over.signal.aborted) break;
      await say(questions);
    }
    await pause(how.time, mapMsMax, over.signal);
  };
  const end = () => over.abort();
  how.signal.addEventListener("abort", end, { once: true });
  const answer = answered();
  // Rejects when the socket is closed.
  answer.catch(() => {});
  try {
    const found = await Promise.race([answer, asked()]);
    if (found === undefined && how.signal.aborted) await say(how.takeBack);
    return found;
  } finally {
    how.signal.removeEventListener("abort", end);
    over.abort();
    socket.close();
  }
}
