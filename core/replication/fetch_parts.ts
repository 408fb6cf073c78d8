/**
 * What fetching and comparing heads need, and the question that both put.
 *
 * @module
 */

import type { MessageBodyOf } from "../messages/kinds/mod.ts";
import type { UserRef } from "../model/user.ts";
import type { Lists, OwnRecords, People, Session } from "../session/interfaces.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import type { PromisedHeads } from "./sync_heads.ts";
import type { Intake } from "./sync_intake.ts";

/** What fetching needs. */
export interface FetchParts {
  /** The session. */
  readonly session: Session;
  /** Devices and followers of authors. */
  readonly people: Pick<People, "find" | "lists" | "forgetDevices">;
  /** The own followers, who have one's own posts. */
  readonly lists: Pick<Lists, "present">;
  /** The own heads and `connections`. */
  readonly records: Pick<OwnRecords, "heads" | "connections">;
  /** Sends the questions. */
  readonly messenger: Pick<PeerMessenger, "send" | "devices" | "expect" | "heardAt">;
  /** How far feeds reach. */
  readonly heads: PromisedHeads;
  /** What is wanted. */
  readonly intake: Pick<Intake, "held" | "keeps" | "since">;
}

/** What to ask for an author's posts with: what is had, how old is still wanted, where to answer. */
export async function wantOf(
  parts: Pick<FetchParts, "session" | "records" | "intake">,
  author: UserRef,
): Promise<MessageBodyOf["want"]> {
  const { session, records, intake } = parts;
  const { username, key } = author;
  const feeds = intake.held.without(username, await session.store.feeds(username));
  const since = intake.since(username);
  const body = { author: { username, key }, feeds, since, device: session.device };
  const connections = records.connections();
  return connections === undefined ? body : { ...body, connections: connections.value };
}
