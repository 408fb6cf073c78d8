/**
 * Addresses, host names and ports as people write them, in flags and in config.ini.
 *
 * Each parser returns undefined for what it does not take; the caller says what was expected.
 *
 * @module
 */

import { isIpText } from "../../lib/ip_text.ts";
import { parseNumber } from "./number.ts";
import type { HostPort } from "../../lib/host_port.ts";

/** The port of NTP (RFC 5905, section 7.2). */
const ntpPort = 123;

/** A label of a host name (RFC 1123, section 2.1; underscores are met in practice). */
const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/** A port, 0 (any free one) to 65,535. */
export function parsePort(text: string): number | undefined {
  return parseNumber(text, 0, 65_535);
}

/** An IPv4 or IPv6 address, brackets around the latter dropped. */
export function parseAddress(text: string): string | undefined {
  const address = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  return isIpText(address) ? address : undefined;
}

/** A host name (RFC 1123) or an address. */
export function parseHost(text: string): string | undefined {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  const labels = text.replace(/\.$/, "").split(".");
  // All-numeric last labels are mistyped IPv4 addresses, which no resolver should be asked for.
  if (/^[0-9]+$/.test(labels.at(-1) ?? "")) return undefined;
  return text.length <= 253 && labels.every((part) => label.test(part)) ? text : undefined;
}

/** `HOST:PORT`, `[IPv6]:PORT`, or, where `defaultPort` is given, the host alone. */
export function parseHostPort(text: string, defaultPort?: number): HostPort | undefined {
  const match = /^(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?$/.exec(text);
  const bare = match === null ? parseAddress(text) : undefined;
  if (bare !== undefined) {
    return defaultPort === undefined ? undefined : { host: bare, port: defaultPort };
  }
  const host = parseHost(match?.[1] ?? "");
  const port = match?.[2] === undefined ? defaultPort : parsePort(match[2]);
  if (host === undefined || port === undefined || port === 0) return undefined;
  return { host, port };
}

/** An NTP server: `HOST` or `HOST:PORT`; names and IPv4 addresses, because the client speaks no IPv6. */
export function parseNtpServer(text: string): HostPort | undefined {
  const server = parseHostPort(text, ntpPort);
  return server === undefined || server.host.includes(":") ? undefined : server;
}
