/**
 * zeromq's sockets as links use them. Nothing else imports zeromq.
 *
 * Under Deno a socket must never wait: both timeouts are 0 always, and a caller asks whether it can read or
 * write before it does. Sockets are constructed bare and set up property by property, because a
 * constructor that throws leaves the process to crash at its exit.
 *
 * @module
 */

import { context, curveKeyPair, Pull, Push } from "zeromq";
import { type Route, zmqAddress } from "./addresses.ts";
import type { InsideAddress } from "./inside.ts";
import {
  backlogMax,
  curveOverheadBytes,
  dialMsMax,
  frameBytesMax,
  handshakeMsMax,
  heartbeatMs,
  lingerMs,
  receiveHighWaterMark,
  relayedHeartbeatMs,
  socketsMax,
} from "./link_limits.ts";
import { borrowPoller, returnPoller } from "./poller.ts";
import type { Tunnel, Tunnels } from "./tunnels.ts";
import { z85Encode } from "./z85.ts";

/** What comes in: asked before each receive. */
export interface PullSocket {
  /** Whether a receive would find a message. */
  readonly readable: boolean;
  /** Where on this machine it listens. */
  readonly address: InsideAddress;
  /** The parts of one message, at once. */
  receive(): Promise<Uint8Array[]>;
  /**
   * Calls back once, when there may be something to receive; never within the call. To be called when
   * nothing is {@linkcode readable}.
   *
   * @returns Whether it will; if not, the socket must be looked at by the clock.
   */
  watch(onNews: () => void): boolean;
  /** Takes a {@linkcode watch} back. */
  unwatch(): void;
  /**
   * Waits, the whole program with it, until there may be something to receive: so long at most. False where it
   * did not come. Absent where the system cannot tell.
   */
  readonly wait?: (timeoutMs: number) => boolean;
  /** Never blocks; resolves when nothing is left of it. */
  close(): Promise<void>;
}

/**
 * What goes out, to one device.
 *
 * With `immediate` and a high-water mark of one, `writable` says all there is to know: the handshake
 * has succeeded, the connection lives, and the last frame has been taken by the network. zeromq never
 * reconnects by itself, so that a dead socket stays unwritable and its owner decides what to do.
 */
export interface PushSocket {
  /** See {@linkcode PushSocket}. */
  readonly writable: boolean;
  /** Whether it will never be writable again, as far as is known; absent where nothing tells. */
  readonly isBroken?: boolean;
  /**
   * Calls back once, when it may have become writable; never within the call. To be called when it is not.
   *
   * @returns Whether it will; if not, or where there is none, the socket must be looked at by the clock.
   */
  watch?(onNews: () => void): boolean;
  /** Takes a {@linkcode watch} back. */
  unwatch?(): void;
  /** Calls back once, when what was sent does not arrive though the connection is there; absent where nothing tells. */
  whenSilent?(onSilence: () => void): void;
  /** To be called while writable only. The frame must not be changed afterwards. */
  send(frame: Uint8Array): Promise<void>;
  /** Never blocks; what is inside has a moment to leave. */
  close(): void;
}

/** The first socket fixes the limit of the context. */
function raiseSocketLimit(): void {
  if (context.maxSockets < socketsMax) context.maxSockets = socketsMax;
}

/**
 * Binds a PULL socket that speaks CURVE only, on this machine alone: callers from outside come through the
 * front door, which counts them. So that other users of the machine cannot go around it, the socket is a
 * Unix socket for this user alone where the system has such, and else a free port of 127.0.0.1.
 *
 * @throws {Error} With zeromq's `code`, such as EMFILE.
 */
export function bindPull(secretKey: Uint8Array): PullSocket {
  const curveSecretKey = z85Encode(secretKey);
  raiseSocketLimit();
  const socket = new DescribedPull();
  socket.receiveTimeout = 0;
  socket.linger = 0;
  socket.curveServer = true;
  socket.curveSecretKey = curveSecretKey;
  socket.maxMessageSize = frameBytesMax + curveOverheadBytes;
  socket.receiveHighWaterMark = receiveHighWaterMark;
  socket.handshakeInterval = handshakeMsMax;
  // No signs of life are asked for: senders ask this side, and the front door closes what is silent.
  socket.backlog = backlogMax;
  try {
    return watched(socket, bindPrivately(socket) ?? bindLoopback(socket));
  } catch (error) {
    socket.close();
    throw error;
  }
}

function bindLoopback(socket: Pull): InsideAddress {
  socket.bindSync("tcp://127.0.0.1:0");
  const port = Number(socket.lastEndpoint?.split(":").at(-1));
  return { transport: "tcp", hostname: "127.0.0.1", port };
}

/** PULL sockets of this process so far: each gets a name of its own. */
let namesUsed = 0;

/**
 * Binds to a Unix socket without a file (unix(7), abstract), at which libzmq takes this user's connections
 * and no others; undefined where that is not to be had or not permitted.
 */
function bindPrivately(socket: DescribedPull): InsideAddress | undefined {
  const isPermitted = Deno.permissions.querySync({ name: "net" }).state === "granted";
  if (Deno.build.os !== "linux" || !isPermitted) return undefined;
  const name = `camellia-${Deno.pid}-${++namesUsed}`;
  try {
    socket.acceptUser(Deno.uid() ?? NaN);
    socket.bindSync(`ipc://@${name}`);
  } catch {
    // The name is taken, or a permission is lacking.
    return undefined;
  }
  return { transport: "unix", path: `\0${name}` };
}

/** `ZMQ_FD` and `ZMQ_IPC_FILTER_UID` of zmq_getsockopt(3), for which zeromq.js has no names. */
const descriptorOption = 14;
const userOption = 59;

class DescribedPull extends Pull {
  /** The file descriptor that becomes readable with every change of the socket's state. */
  get descriptor(): number {
    return this.getInt32Option(descriptorOption);
  }

  /** At Unix sockets only this user's processes are accepted. */
  acceptUser(uid: number): void {
    this.setInt32Option(userOption, uid);
  }
}

class DescribedPush extends Push {
  /** As that of a PULL socket. */
  get descriptor(): number {
    return this.getInt32Option(descriptorOption);
  }
}

function watched(socket: DescribedPull, address: InsideAddress): PullSocket {
  const { descriptor } = socket;
  const poller = borrowPoller();
  return {
    get readable() {
      return socket.readable;
    },
    address,
    receive: () => socket.receive(),
    watch: (onNews) => poller?.watch(descriptor, onNews) ?? false,
    unwatch: () => poller?.unwatch(descriptor),
    ...(poller === undefined
      ? {}
      : { wait: (timeoutMs: number) => poller.wait(descriptor, timeoutMs) }),
    async close() {
      poller?.unwatch(descriptor);
      socket.close();
      if (poller !== undefined) await returnPoller();
    },
  };
}

/** CURVE keys of a sender prove nothing (messages are signed): one pair for the whole process is enough. */
let senderKeys: { publicKey: string; secretKey: string } | undefined;

/**
 * Connects a PUSH socket to a device, directly or through a relay: see {@linkcode PushSocket}.
 *
 * @throws {Error} Where there are no sockets or descriptors left.
 */
export function connectPush(linkKey: Uint8Array, route: Route, tunnels: Tunnels): PushSocket {
  const { address, port, isRelay } = route;
  if (!isRelay) {
    return watchedPush(pushTo(linkKey, zmqAddress(address, port), { ipv6: address.isIPv6 }));
  }
  const tunnel = tunnels.open({ ip: address.ip, port }, linkKey);
  try {
    return throughTunnel(pushTo(linkKey, tunnel.address, { beatMs: relayedHeartbeatMs }), tunnel);
  } catch (error) {
    tunnel.close();
    throw error;
  }
}

function watchedPush(socket: DescribedPush): PushSocket {
  const poller = borrowPoller();
  const descriptor = poller === undefined ? NaN : socket.descriptor;
  return {
    get writable() {
      return socket.writable;
    },
    watch: (onNews) => poller?.watch(descriptor, onNews) ?? false,
    unwatch: () => poller?.unwatch(descriptor),
    send: (frame) => socket.send(frame),
    close() {
      poller?.unwatch(descriptor);
      socket.close();
      if (poller !== undefined) void returnPoller();
    },
  };
}

function throughTunnel(socket: Push, tunnel: Tunnel): PushSocket {
  return {
    get writable() {
      return socket.writable;
    },
    get isBroken() {
      return tunnel.isBroken;
    },
    whenSilent(onSilence) {
      tunnel.onSilence = onSilence;
    },
    send: (frame) => socket.send(frame),
    close() {
      socket.close();
      tunnel.close();
    },
  };
}

function pushTo(
  linkKey: Uint8Array,
  address: string,
  { ipv6 = false, beatMs = heartbeatMs }: { readonly ipv6?: boolean; readonly beatMs?: number },
): DescribedPush {
  const curveServerKey = z85Encode(linkKey);
  raiseSocketLimit();
  senderKeys ??= curveKeyPair();
  const socket = new DescribedPush();
  socket.sendTimeout = 0;
  socket.linger = lingerMs;
  socket.ipv6 = ipv6;
  socket.curveServerKey = curveServerKey;
  socket.curvePublicKey = senderKeys.publicKey;
  socket.curveSecretKey = senderKeys.secretKey;
  socket.immediate = true;
  socket.sendHighWaterMark = 1;
  socket.reconnectInterval = -1;
  socket.connectTimeout = dialMsMax;
  socket.handshakeInterval = handshakeMsMax;
  socket.heartbeatInterval = beatMs;
  socket.heartbeatTimeout = beatMs;
  // Nothing is ever meant to come back.
  socket.maxMessageSize = curveOverheadBytes;
  socket.connect(address);
  return socket;
}
