/**
 * The sections and keys of config.ini: how the value of each is read, and what is allowed there.
 *
 * @module
 */

import { parseAddress, parseHost, parseHostPort, parseNtpServer, parsePort } from "./endpoint.ts";
import { parseNumber } from "./number.ts";
import type { HostPort } from "../../lib/host_port.ts";

/** More servers or nodes in one list are a mistake. */
export const listLengthMax = 64;

/** What the parts of a lifespan count. */
export const unitsMs: Readonly<Record<string, number>> = {
  YEARS: 365 * 86_400_000,
  MONTHS: 30 * 86_400_000,
  DAYS: 86_400_000,
  HOURS: 3_600_000,
  MINUTES: 60_000,
  SECONDS: 1000,
};

/** A value as read, or undefined when it cannot be. */
export type Reader<T> = (text: string) => T | undefined;

/** How the value of a key is read, and what is allowed there, for the complaint. */
export type KeyRule = readonly [read: Reader<unknown>, allowed: string];

const port: KeyRule = [parsePort, "a port from 0 to 65535"];
const address: KeyRule = [parseAddress, "an IP address such as 0.0.0.0 or ::"];
const yesOrNo: KeyRule = [parseYesOrNo, "yes or no"];
const amount: KeyRule = [
  (text) => parseNumber(text, 0, 3_153_600_000),
  "a whole number, 0 or more",
];

/** Null for nothing. */
function orNothing<T>(read: Reader<T>): Reader<T | null> {
  return (text) => text === "" ? null : read(text);
}

/** Keys of the keyboard for one action of the screen: `j, down`. Their names are the screen's business. */
export const keyList: KeyRule = [
  (text) => {
    const keys = text.split(/(?<=\S),?\s+/).filter((key) => key !== "");
    return keys.length > 0 && keys.length <= 8 && keys.every((key) => key.length <= 20)
      ? keys
      : undefined;
  },
  "one to eight keys, separated by commas and spaces",
];

/** Sections and keys, as design section 9 has them. [KEYS] has a key for each action of the screen. */
export const rules: Readonly<Record<string, Readonly<Record<string, KeyRule>>>> = {
  DEFAULT: {
    IP: address,
    PORT: port,
    LISTENING_IP: address,
    LISTENING_PORT: port,
    ANNOUNCED_IP: [orNothing(parseAddress), "an IP address, or nothing"],
  },
  BOOTSTRAP: {
    IP: [orNothing(parseHost), "a host name or an IP address, or nothing"],
    PORT: [(text) => parseNumber(text, 1, 65_535), "a port from 1 to 65535"],
    NODES: [
      (text) => parseList(text, (item) => parseHostPort(item)),
      `a list of at most ${listLengthMax} HOST:PORT, separated by commas`,
    ],
    INIT: yesOrNo,
  },
  MESSAGE_LIFESPAN: {
    ACTIVE: yesOrNo,
    ...Object.fromEntries(Object.keys(unitsMs).map((unit) => [unit, amount])),
  },
  QUOTA: {
    POSTS: [(text) => parseNumber(text, 1, 100_000_000), "a whole number from 1 to 100000000"],
    POSTS_AN_HOUR: [
      (text) => parseNumber(text, 1, 100_000_000),
      "a whole number from 1 to 100000000",
    ],
    MEGABYTES: [(text) => parseNumber(text, 1, 1_000_000), "a whole number from 1 to 1000000"],
  },
  LIMITS: {
    EXEMPT_PRIVATE: [
      (text) => text.toLowerCase() === "auto" ? "local" : parseYesOrNo(text),
      "auto, yes or no",
    ],
  },
  NTP: {
    SERVERS: [
      parseNtpServers,
      `none, or a list of at most ${listLengthMax} HOST or HOST:PORT, separated by commas`,
    ],
    TRUST_FAR: yesOrNo,
  },
  PRIVACY: { PUBLISH_PRIVATE: yesOrNo },
  REACH: {
    MODE: [(text) => oneOf(["auto", "relay"], text), "auto or relay"],
    PORT_MAPPING: yesOrNo,
    RELAY: [(text) => oneOf(["auto", "yes", "no"], text), "auto, yes or no"],
  },
  KEYS: {},
};

/** The word among these, in any case of letters. */
function oneOf<Word extends string>(words: readonly Word[], text: string): Word | undefined {
  return words.find((word) => word === text.toLowerCase());
}

function parseYesOrNo(text: string): boolean | undefined {
  if (/^(?:yes|true|on|1)$/i.test(text)) return true;
  if (/^(?:no|false|off|0)$/i.test(text)) return false;
  return undefined;
}

function parseList<T>(text: string, read: Reader<T>): T[] | undefined {
  const items = text.split(/[,\s]+/).filter((item) => item !== "");
  if (items.length > listLengthMax) return undefined;
  const values: T[] = [];
  for (const item of items) {
    const value = read(item);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

/** `none`, or a list of servers; 123 is the port of those that name none. */
function parseNtpServers(text: string): HostPort[] | undefined {
  if (/^none$/i.test(text) || text === "") return [];
  return parseList(text, parseNtpServer);
}
