/**
 * What `doctor` looks at, and how it judges what it finds.
 *
 * Pure: facts in, checks out.
 *
 * @module
 */

import type { StatusView } from "../../core/api.ts";
import { hindrances, udpBlocked } from "../../core/model/hindrance.ts";
import { reachText } from "../views/status_words.ts";
import type { SystemFacts } from "../peer/host.ts";
import { formatEndpoint, formatHostPorts } from "../../lib/host_port.ts";
import type { PeerSettings } from "../settings/settings.ts";

/** One thing that was looked at, as `--json` prints it. */
export interface Check {
  /** What was looked at. */
  readonly name: string;
  /** Whether it is as it should be. */
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
  /** What to do; null where there is nothing to do. */
  readonly advice: string | null;
}

/** Older versions of Deno lack symbols that zeromq needs. */
const denoMin = "2.8.2";

/** The databases of a busy user have some 50 MB an author; below this a disk is as good as full. */
const freeBytesMin = 100_000_000;

/** A peer with many links and relayed streams holds some hundreds of descriptors; 1,024 is the usual limit. */
const descriptorsMin = 1_024;

/** Records and posts of clocks that are farther off are refused (design, section 4: 2 minutes of tolerance). */
const offsetMsMax = 120_000;

function good(name: string, detail: string): Check {
  return { name, ok: true, detail, advice: null };
}

function bad(name: string, detail: string, advice: string | null): Check {
  return { name, ok: false, detail, advice };
}

/** Whether a dotted version is at least another. */
function isAtLeast(version: string, least: string): boolean {
  const wanted = least.split(".").map(Number);
  const parts = version.split(/[.+-]/).map((part) => parseInt(part, 10));
  const at = wanted.findIndex((part, index) => (parts[index] ?? 0) !== part);
  return at < 0 || (parts[at] ?? 0) > (wanted[at] ?? 0);
}

/** The program and Deno. */
export function checkVersions(version: string, deno: string): Check {
  const detail = `camellia ${version}, Deno ${deno}`;
  if (isAtLeast(deno, denoMin)) return good("versions", detail);
  return bad("versions", detail, `Use Deno ${denoMin} or later: earlier ones cannot load zeromq`);
}

/** The data folder: whose it is, who may write to it, and whether there is space. */
export function checkFolder(
  path: string,
  facts: Awaited<ReturnType<SystemFacts["folder"]>>,
): Check {
  const { kind, isOwn, mode, unwritable, freeBytes } = facts;
  const free = freeBytes === undefined ? "" : `, ${Math.floor(freeBytes / 1_000_000)} MB free`;
  const detail = `${path}${mode === undefined ? "" : `, mode ${mode.toString(8)}`}${free}`;
  const wrong = (why: string, advice: string) => bad("data folder", `${detail}: ${why}`, advice);
  if (kind === "other") return wrong("it is no folder", "Choose another one with --data DIR");
  if (isOwn === false) {
    return wrong("it belongs to another user", "Take it over with chown, or choose another one");
  }
  if (mode !== undefined && (mode & 0o022) !== 0) {
    return wrong("other users may write to it", `Run: chmod go-w ${path}`);
  }
  if (unwritable !== undefined) {
    return wrong(`nothing can be written to it: ${unwritable}`, "Check its owner, mode and disk");
  }
  if (freeBytes !== undefined && freeBytes < freeBytesMin) {
    return wrong("the disk is nearly full", "Free some space");
  }
  return good("data folder", kind === "absent" ? `${detail}: made when it is needed` : detail);
}

/** The configuration: whether there is a file, and with which words it was refused. */
export function checkConfig(path: string, isThere: boolean, refused: string | undefined): Check {
  if (refused === undefined) {
    return good("configuration", isThere ? path : `the program's own: there is no ${path}`);
  }
  return bad("configuration", refused, "Mend that line, or name another file with --config");
}

/** How many files and sockets the program may have open. */
export function checkDescriptors(count: number): Check {
  const detail = `${count} files and sockets may be open`;
  if (count >= descriptorsMin) return good("descriptors", detail);
  return bad("descriptors", detail, `Allow ${descriptorsMin} or more: ulimit -n 4096`);
}

/** Which peer was asked. */
export function checkPeer({ process, user, node }: StatusView, isOwn: boolean): Check {
  if (isOwn) {
    return good("peer", `none runs on this folder; one ran for this on UDP port ${node.udp.port}`);
  }
  const who = user === null ? "without a user" : `of ${user.username}`;
  return good("peer", `one ${who} runs on this folder (process ${process.pid})`);
}

/** Whether other nodes answer. */
export function checkNetwork({ node }: StatusView, settings: PeerSettings): Check {
  const { joined, contacts, carrier, hindrance } = node;
  const udp = `UDP ${formatEndpoint(node.udp)}`;
  if (joined && carrier === "tcp") return bad("network", udpBlocked.why, udpBlocked.remedy);
  if (joined && contacts > 0) {
    const nodes = contacts === 1 ? "1 other node" : `${contacts} other nodes`;
    return good("network", `in the network with ${nodes}, on ${udp}`);
  }
  if (settings.firstNode) {
    return good("network", `the first node of its network, on ${udp}; no other has come yet`);
  }
  const nodes = formatHostPorts(settings.bootstrap);
  if (nodes === "") {
    const advice = "Name one with --bootstrap HOST:PORT or in config.ini";
    return bad("network", "no node of the network is known", advice);
  }
  const { why, remedy } = hindrances[hindrance ?? "unknown"];
  return bad("network", `${why}; asked: ${nodes}, from ${udp}`, remedy);
}

/** Whether others can connect. */
export function checkReach(status: StatusView): Check {
  const { text, advice } = reachText(status.reach, status.links.listening?.port);
  const { reach: { state }, node } = status;
  if (state !== "unreachable") return good("reach", text);
  // Without a network no other node has tried; the check of the network says what to do.
  return bad("reach", text, node.joined ? advice : null);
}

/** What was seen of the clock. */
export interface ClockFacts {
  /** As the peer's status has it. */
  readonly clock: StatusView["clock"];
  /** What the peer said of time servers that it does not believe; absent where it said nothing. */
  readonly doubt?: string;
}

/** Whether the clock is right. */
export function checkClock({ clock, doubt }: ClockFacts, settings: PeerSettings): Check {
  const offset = Math.round(clock.offset_ms);
  if (doubt !== undefined) return bad("clock", doubt, "Set this machine's clock");
  if (clock.source === "ntp") {
    const detail = `set by NTP; the system's clock is ${Math.abs(offset)} ms ` +
      `${offset < 0 ? "ahead" : "behind"}`;
    if (Math.abs(offset) <= offsetMsMax) return good("clock", detail);
    return bad("clock", detail, "Set this machine's clock: other programs go by it");
  }
  const servers = formatHostPorts(settings.ntpServers);
  if (servers === "") return good("clock", "the system's; no time server is to be asked");
  return bad(
    "clock",
    `the system's: no time server has answered (${servers})`,
    "Let UDP port 123 out, or name another server with --ntp-server HOST",
  );
}

/** What could not be looked at, because something before it failed. */
export function notLookedAt(name: string, why: string): Check {
  return bad(name, `not looked at: ${why}`, null);
}
