/**
 * `find_value` [id of the sender, key]: answered with `{value, since}`, or as `find_node` is.
 *
 * @module
 */
import { bodyBytesMax, nestingMax } from "../../constants.ts";
import { type AboutTarget, type Contacts, findNode } from "./find_node.ts";
import type { Method } from "./method.ts";
import { readContacts, readValue, type WireValue, writeContacts, writeValue } from "./parts.ts";

/** A holder's value. */
export interface WireFound extends WireValue {
  /** Since when it has accepted the owner, in Unix ms, where it says so. */
  readonly since?: number;
}

/** A value, or nearer contacts. */
export interface Found extends Contacts {
  readonly found?: WireFound;
}

/** Members of a map that are read; a node may send others, which are passed over. */
const membersMax = 8;

/** Asks for the value under a key (section 2.3). */
export const findValue: Method<"find_value", AboutTarget, Found> = {
  name: "find_value",
  allowedFrom: "anyone",
  argumentCount: 2,
  writeArguments: findNode.writeArguments,
  readArguments: findNode.readArguments,
  answerBytesMax: bodyBytesMax,
  writeAnswer(w, { found, contacts }) {
    if (found === undefined) return writeContacts(w, contacts);
    w.byte(found.since === undefined ? 0x81 : 0x82);
    w.string("value");
    writeValue(w, found);
    if (found.since === undefined) return;
    w.string("since");
    w.integer(found.since);
  },
  readAnswer(r) {
    if (r.peek() === "array") return { contacts: readContacts(r) };
    let value: WireValue | undefined;
    let since: number | undefined;
    for (let n = r.map(membersMax); n > 0 && !r.failed; n--) {
      const name = r.string(32);
      if (name === "value") value = readValue(r);
      else if (name === "since") since = r.uint();
      else r.skip({ maxDepth: nestingMax });
    }
    if (value === undefined) r.fail();
    else return { found: since === undefined ? value : { ...value, since }, contacts: [] };
    return { contacts: [] };
  },
  isPrompt: true,
  introduces: true,
  endsWithId: true,
};
