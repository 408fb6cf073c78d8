/**
 * `find_node` [id of the sender, target]: answered with the contacts nearest to the target.
 *
 * @module
 */
import { bodyBytesMax } from "../../constants.ts";
import type { NodeContact } from "../../space/contact.ts";
import type { Id } from "../../space/id.ts";
import type { Method } from "./method.ts";
import { readContacts, readId, writeContacts, writeId } from "./parts.ts";

/** What is asked about a target. */
export interface AboutTarget {
  readonly sender: Id;
  /** The id or key in question. */
  readonly target: Id;
}

/** Contacts near a target. */
export interface Contacts {
  /** At most 64 of them, as the node that was asked sorted them. */
  readonly contacts: readonly NodeContact[];
}

/** Asks for the k contacts nearest to a target (section 2.3). */
export const findNode: Method<"find_node", AboutTarget, Contacts> = {
  name: "find_node",
  allowedFrom: "anyone",
  argumentCount: 2,
  writeArguments(w, { sender, target }) {
    writeId(w, sender);
    writeId(w, target);
  },
  readArguments: (r) => ({ sender: readId(r), target: readId(r) }),
  answerBytesMax: bodyBytesMax,
  writeAnswer: (w, { contacts }) => writeContacts(w, contacts),
  readAnswer: (r) => ({ contacts: readContacts(r) }),
  isPrompt: true,
  introduces: true,
  endsWithId: true,
};
