/**
 * Relaying for others: reservations of devices that strangers do not reach, and circuits to them.
 *
 * A relay joins two connections that came to its own front door and opens none: it is no open proxy.
 * CURVE runs from end to end, so it can drop what it passes, and neither read nor change it.
 *
 * @module
 */

import { toHex } from "../../core/model/bytes.ts";
import { type Endpoint, ipAddress } from "../../lib/ip_address.ts";
import { type Exemption, type Network, NetworkCounts } from "../../lib/networks.ts";
import type { Random } from "../../lib/random.ts";
import type { Time } from "../../lib/time.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import { within } from "../../lib/waiting.ts";
import { x25519Shared } from "../../lib/x25519.ts";
import { ByteReader, writeAll } from "../links/byte_reader.ts";
import type { Caller } from "../links/front_door.ts";
import { type LinkKeyPair, makeLinkKeyPair } from "../links/link_keys.ts";
import { linkKeyIn, socksAnswer, socksByte, socksChoice, type SocksReply } from "../links/socks.ts";
import { Circuit, type CircuitEnd } from "./circuit.ts";
import {
  aliveEveryMs,
  circuitsMax,
  circuitsPerDevice,
  lateMsMax,
  relayRate,
  reservationsMax,
  reservationsPerNetwork,
  silentMsMax,
  stepMsMax,
} from "./relay_limits.ts";
import {
  circuitNameBytes,
  headBytes,
  isProof,
  keyBytes,
  knockAnswer,
  purposes,
  relayVersion,
  sayings,
} from "./relay_protocol.ts";

/** What a {@linkcode Relay} needs. */
export interface RelayOptions {
  /** Time. */
  readonly time: Pick<Time, "after" | "monotonic">;
  /** Draws keys, nonces and names of circuits. */
  readonly random: Random;
  /** Whether it relays at present. */
  readonly isWilling: () => boolean;
  /** Where devices may have dialled this relay. */
  readonly ownPlaces: (caller: Caller) => readonly Endpoint[];
  /** Which addresses limits by network leave out. */
  readonly exemption: Exemption;
}

/** One device that is reached through this relay. */
interface Reservation {
  readonly caller: Caller;
  /** Circuits that are open, or that the device has been told of. */
  circuits: number;
  /** Those that are open. */
  readonly open: Set<Circuit>;
}

/**
 * The device's line is dead, was for a while, or is another one by now: so are the circuits, and senders who are told so connect
 * anew at once, where a silent connection would keep them waiting for 20 s.
 */
function cut({ open }: Reservation): void {
  for (const circuit of open) circuit.end();
}

/** A sender that waits until the device takes its circuit. */
interface Offer {
  readonly reservation: Reservation;
  take(device: Caller, reader: ByteReader): Promise<void>;
}

/** What a relay does at present. */
export interface RelayStatus {
  /** Devices that are reached through it. */
  readonly reservations: number;
  /** Circuits that are open. */
  readonly circuits: number;
  /** Bytes passed since the start. */
  readonly bytes: number;
}

/** Relays, within limits. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #keys: LinkKeyPair;
  /** By link key, in hexadecimal digits. */
  readonly #reservations = new Map<string, Reservation>();
  readonly #networks = new NetworkCounts(reservationsPerNetwork);
  /** Circuits that have been offered to devices, by name. */
  readonly #offers = new Map<string, Offer>();
  readonly #circuits = new Set<Circuit>();
  readonly #rate: TokenBucket;
  #bytes = 0;

  /** No device has a reservation at first. */
  constructor(options: RelayOptions) {
    this.#options = options;
    this.#keys = makeLinkKeyPair(options.random.bytes(keyBytes));
    this.#rate = new TokenBucket(options.time, relayRate);
  }

  /** How many more devices it takes; 0 while it does not relay. */
  get room(): number {
    return this.#options.isWilling() ? reservationsMax - this.#reservations.size : 0;
  }

  /** See {@linkcode RelayStatus}. */
  status(): RelayStatus {
    return {
      reservations: this.#reservations.size,
      circuits: this.#circuits.size,
      bytes: this.#bytes,
    };
  }

  /** Serves a connection whose first byte is that of relaying. Rejects when it breaks the protocol. */
  async serve(caller: Caller): Promise<void> {
    const reader = new ByteReader(caller.conn, caller.first);
    const [, version, purpose] = await this.#step(() => reader.take(headBytes));
    if (version !== relayVersion) return;
    if (purpose === purposes.knock) await writeAll(caller.conn, knockAnswer);
    else if (purpose === purposes.reserve) await this.#reserve(caller, reader);
    else if (purpose === purposes.take) {
      const name = toHex(await this.#step(() => reader.take(circuitNameBytes)));
      const offer = this.#offers.get(name);
      this.#offers.delete(name);
      await offer?.take(caller, reader);
    }
  }

  /** Serves a connection of a sender, which speaks SOCKS5. Rejects when it breaks the protocol. */
  async serveSender(caller: Caller): Promise<void> {
    const { conn } = caller;
    const reader = new ByteReader(conn, caller.first);
    const name = await this.#step(async () => {
      const [, methods = 0] = await reader.take(2);
      await reader.take(methods);
      await writeAll(conn, socksChoice);
      const [, command, , kind, length = 0] = await reader.take(5);
      const text = new TextDecoder().decode(await reader.take(length));
      await reader.take(2);
      return command === 1 && kind === 3 ? text : undefined;
    });
    const linkKey = name === undefined ? undefined : linkKeyIn(name);
    if (linkKey === undefined) return await this.#answer(conn, "unsupported");
    const reservation = this.#reservations.get(toHex(linkKey));
    if (reservation === undefined) return await this.#answer(conn, "unreachable");
    if (
      this.#circuits.size + this.#offers.size >= circuitsMax ||
      reservation.circuits >= circuitsPerDevice
    ) {
      return await this.#answer(conn, "refused");
    }
    await this.#connect(caller, reader, reservation);
  }

  #answer(conn: Deno.Conn, reply: SocksReply): Promise<void> {
    return writeAll(conn, socksAnswer(reply));
  }

  /** Tells the device of the sender, and joins the two once it takes the circuit. */
  async #connect(sender: Caller, reader: ByteReader, reservation: Reservation): Promise<void> {
    const name = this.#options.random.bytes(circuitNameBytes);
    const taken = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    reservation.circuits++;
    this.#offers.set(toHex(name), {
      reservation,
      take: async (device, deviceReader) => {
        taken.resolve();
        try {
          await this.#answer(sender.conn, "granted");
          const ends = [
            { caller: sender, first: reader.takeRest() },
            { caller: device, first: deviceReader.takeRest() },
          ] as const;
          await this.#join(reservation, ends);
        } finally {
          ended.resolve();
        }
      },
    });
    try {
      await writeAll(reservation.caller.conn, Uint8Array.of(sayings.call, ...name));
      await this.#step(() => taken.promise);
      await ended.promise;
    } finally {
      reservation.circuits--;
      if (this.#offers.delete(toHex(name))) await this.#answer(sender.conn, "unreachable");
    }
  }

  async #join(
    { open }: Reservation,
    [sender, device]: readonly [CircuitEnd, CircuitEnd],
  ): Promise<void> {
    const circuit = new Circuit(this.#options.time, this.#rate, (bytes) => this.#bytes += bytes);
    this.#circuits.add(circuit);
    open.add(circuit);
    try {
      await circuit.run(sender, device);
    } finally {
      this.#circuits.delete(circuit);
      open.delete(circuit);
    }
  }

  /** Keeps a reservation as long as the device says that it is there. */
  async #reserve(caller: Caller, reader: ByteReader): Promise<void> {
    const { conn, address } = caller;
    const linkKey = await this.#step(() => reader.take(keyBytes));
    const nonce = this.#options.random.bytes(keyBytes);
    await writeAll(conn, Uint8Array.of(sayings.challenge, ...this.#keys.publicKey, ...nonce));
    const proof = await this.#step(() => reader.take(keyBytes));
    const name = toHex(linkKey);
    const networks = this.#options.exemption.networksOf(address.ip) ?? [];
    if (!this.#isProved(caller, proof, nonce, linkKey) || !this.#hasRoom(name, networks)) {
      return await writeAll(conn, Uint8Array.of(sayings.refused));
    }
    const reservation: Reservation = { caller, circuits: 0, open: new Set() };
    // The device has come again before its old connection was seen to be dead.
    const old = this.#reservations.get(name);
    old?.caller.end();
    if (old !== undefined) cut(old);
    this.#reservations.set(name, reservation);
    this.#networks.add(networks);
    try {
      await writeAll(conn, Uint8Array.of(sayings.reserved));
      const { time } = this.#options;
      for (;;) {
        const sinceMs = time.monotonic();
        const alive = await within({ clock: time, ms: silentMsMax }, () => reader.take(1));
        if (time.monotonic() - sinceMs >= aliveEveryMs + lateMsMax) cut(reservation);
        if (alive?.[0] !== sayings.alive) return;
        caller.spoke();
        await writeAll(conn, Uint8Array.of(sayings.alive));
      }
    } finally {
      this.#networks.remove(networks);
      if (this.#reservations.get(name) === reservation) this.#reservations.delete(name);
    }
  }

  #isProved(caller: Caller, proof: Uint8Array, nonce: Uint8Array, linkKey: Uint8Array): boolean {
    const shared = x25519Shared(this.#keys.secretKey, linkKey);
    return shared !== undefined &&
      this.#options.ownPlaces(caller).some((relay) =>
        isProof(proof, { shared, relay, nonce, linkKey })
      );
  }

  #hasRoom(name: string, networks: readonly Network[]): boolean {
    // A device that comes again takes its own place.
    if (this.#reservations.has(name)) return this.#options.isWilling();
    return this.room > 0 && this.#networks.has(networks);
  }

  /** One step of a caller, which may take 5 s. */
  async #step<T>(task: () => Promise<T>): Promise<T> {
    const result = await within(
      { clock: this.#options.time, ms: stepMsMax },
      async () => ({ value: await task() }),
    );
    if (result === undefined) throw new Error("Cannot serve: the caller takes too long");
    return result.value;
  }
}

/** The first byte of senders, for the front door. */
export const senderByte: number = socksByte;

/** Where a connection came in, as this machine sees it. */
export function localPlace(conn: Deno.TcpConn): Endpoint | undefined {
  const { hostname, port } = conn.localAddr;
  const ip = ipAddress(hostname)?.ip;
  return ip === undefined ? undefined : { ip, port };
}
