/** Policies for tests. */
import type { ValuePolicy } from "../../../net/kademlia/ports.ts";
import { textOf } from "./support.ts";

/** Values are texts `<number> <word>`; the higher number wins; the word "bad" is invalid. */
export const numbered: ValuePolicy = {
  check(_key, value, nowMs) {
    return textOf(value)?.includes("bad")
      ? { ok: false, reason: "bad" }
      : { ok: true, decoded: value, expiresAtMs: nowMs + 86_400_000_000 };
  },
  compare(a, b) {
    return parseInt(textOf(a) ?? "") - parseInt(textOf(b) ?? "");
  },
};
