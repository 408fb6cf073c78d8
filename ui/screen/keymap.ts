/**
 * Which key does what: the table, with what config.ini changes of it.
 *
 * @module
 */

import { type Action, type KeyEntry, keyTable, type Place } from "./key_table.ts";

/** Keys by action, as config.ini has them. */
export type KeyChoice = Readonly<Record<string, readonly string[]>>;

/** Names of keys as people write them, and as they are called here. */
const otherNames: Readonly<Record<string, string>> = {
  esc: "escape",
  return: "enter",
  pgup: "pageUp",
  pageup: "pageUp",
  pgdn: "pageDown",
  pagedown: "pageDown",
  del: "delete",
};

/** A key as it is called here: `Ctrl+S` is `ctrl+s`, a single letter is itself. */
export function keyName(written: string): string {
  const parts = [...written].length === 1 ? [written] : written.split(/(?<=.)\+(?=.)/);
  const last = parts.at(-1) ?? "";
  const modifiers = parts.slice(0, -1).map((part) => part.toLowerCase());
  const name = [...last].length === 1
    ? modifiers.length === 0 ? last : last.toLowerCase()
    : otherNames[last.toLowerCase()] ?? last.toLowerCase();
  return [...modifiers, name].join("+");
}

/** A key as people read it: `Ctrl+S`, `Esc`, `↓`. */
export function shownKey(key: string): string {
  const shown: Readonly<Record<string, string>> = {
    escape: "Esc",
    enter: "Enter",
    tab: "Tab",
    space: "Space",
    up: "↑",
    down: "↓",
    left: "←",
    right: "→",
    pageUp: "PgUp",
    pageDown: "PgDn",
    home: "Home",
    end: "End",
  };
  const parts = key === "+" ? [key] : key.split(/(?<=.)\+(?=.)/);
  const last = parts.at(-1) ?? "";
  const modified = parts.length > 1 && last.length === 1 ? last.toUpperCase() : shown[last] ?? last;
  const modifiers = parts.slice(0, -1).map((part) =>
    part.slice(0, 1).toUpperCase() + part.slice(1)
  );
  return [...modifiers, modified].join("+");
}

/** Which key does what. */
export class Keymap {
  readonly #actions = new Map<string, Action>();
  readonly #keys = new Map<Action, readonly string[]>();

  /** The table's keys; of actions that are in `choice`, those there. */
  constructor(choice: KeyChoice = {}) {
    for (const entry of keyTable) {
      const { action, place } = entry;
      const keys = Object.hasOwn(choice, action) ? choice[action] ?? [] : entry.keys;
      this.#keys.set(action, keys);
      for (const key of keys) {
        const name = `${place} ${key}`;
        if (!this.#actions.has(name)) this.#actions.set(name, action);
      }
    }
  }

  /** What a key does in some places, the first of them before the others; undefined for nothing. */
  actionFor(key: string, places: readonly Place[]): Action | undefined {
    for (const place of places) {
      const action = this.#actions.get(`${place} ${key}`);
      if (action !== undefined) return action;
    }
    return undefined;
  }

  /** The keys of an action as people read them. */
  shown(action: Action): readonly string[] {
    return (this.#keys.get(action) ?? []).map(shownKey);
  }

  /** What the foot of a page says of its keys: `j/k move` first, then what belongs to the page, then the rest. */
  hints(places: readonly Place[]): readonly (readonly [key: string, does: string])[] {
    const down = this.shown("down")[0];
    const up = this.shown("up")[0];
    const move = down === undefined || up === undefined || places.includes("writing")
      ? []
      : [[`${down}/${up}`, "move"] as const];
    const told: readonly KeyEntry[] = keyTable;
    const hinted = told.filter(({ hint }) => hint !== undefined);
    const others = places.flatMap((place) => hinted.filter((entry) => entry.place === place));
    return [
      ...move,
      ...others.flatMap(({ action, hint = "" }) => {
        const [key] = this.shown(action as Action);
        return key === undefined ? [] : [[key, hint] as const];
      }),
    ];
  }
}

/** The keys of config.ini with the names that they have here. */
export function keysNamed(choice: KeyChoice): KeyChoice {
  return Object.fromEntries(
    Object.entries(choice).map(([action, keys]) => [action, keys.map(keyName)]),
  );
}

/** What is wrong with a choice of keys; undefined where nothing is. */
export function mistakeInKeys(choice: KeyChoice): string | undefined {
  const all: readonly KeyEntry[] = keyTable;
  for (const action of Object.keys(choice)) {
    if (!all.some((entry) => entry.action === action)) return `${action} is no action`;
  }
  const taken = new Map<string, string>();
  for (const { action, keys, place } of all) {
    for (const key of choice[action] ?? keys) {
      const name = `${place} ${key}`;
      const other = taken.get(name);
      if (other !== undefined) return `the key ${shownKey(key)} is both ${other} and ${action}`;
      taken.set(name, action);
    }
  }
  return undefined;
}
