/**
 * Questions for posts: sends a `want` to one device and pulls its answer, step by step.
 *
 * @module
 */

import { messageIdBytes } from "../messages/frame.ts";
import type { MessageBodyOf, MessageOf } from "../messages/kinds/mod.ts";
import type { SendReport } from "../messages/outbox.ts";
import { toHex } from "../model/bytes.ts";
import { isSame, type UserRef } from "../model/user.ts";
import { TimedCache } from "../../lib/bounded_map.ts";
import type { MessagingParts } from "../messages/messenger.ts";

/** Questions remembered, and for how long after the last step. */
const askedMax = 4096;
const askedMs = 60_000;

/**
 * Steps here at once, at most 1 MiB: one is stored while one is checked, and two wait, so that neither has
 * to wait for the peer that answers.
 */
const stepsAtOnce = 4;

/** After so many steps without a new post no further one is asked for: the peer that answers could go on for ever. */
const vainStepsMax = 4;

/** A question, and how far its answer has come. */
interface Asked {
  readonly to: UserRef;
  readonly device: number;
  readonly author: UserRef;
  /** The token for the next step. */
  more?: Uint8Array;
  /** Steps that are being dealt with. */
  handling: number;
  /** Steps asked for since one brought a new post. */
  vain: number;
}

/** A step that is being dealt with. */
export interface OpenStep {
  /** It has been dealt with, and so many of its posts were new: the next one is asked for if there is room now. */
  end(added: number): void;
}

/** Asks. */
export class Questions {
  readonly #parts: Pick<MessagingParts, "session" | "messenger">;
  readonly #asked: TimedCache<Asked>;

  /** Nothing has been asked at first. */
  constructor(parts: Pick<MessagingParts, "session" | "messenger">) {
    this.#parts = parts;
    this.#asked = new TimedCache(parts.session.ports.clock, askedMax);
  }

  /** Sends a `want` to a device. Rejects only with the signal's reason. */
  async ask(
    to: UserRef,
    device: number,
    body: MessageBodyOf["want"],
    signal?: AbortSignal,
  ): Promise<SendReport> {
    const { session: { ports: { random } }, messenger } = this.#parts;
    const id = random.bytes(messageIdBytes);
    const asked = { to, device, author: body.author, handling: 0, vain: 0 };
    this.#asked.set(toHex(id), asked, askedMs);
    return await messenger.send({ kind: "want", to, body, device, id }, signal);
  }

  /** A step of an answer has come: asks for the next one, unless enough are being dealt with. */
  begin({ from, body: { inReplyTo, more } }: MessageOf<"posts">): OpenStep | undefined {
    const name = inReplyTo && toHex(inReplyTo);
    const asked = name && this.#asked.get(name);
    if (!asked || !isSame(from, asked.to)) return undefined;
    this.#asked.set(name, asked, askedMs);
    asked.handling++;
    if (more !== undefined) asked.more = more;
    this.#pull(asked);
    return {
      end: (added) => {
        asked.handling--;
        if (added > 0) asked.vain = 0;
        this.#pull(asked);
      },
    };
  }

  #pull(asked: Asked): void {
    const { to, device, author, more: token } = asked;
    if (token === undefined || asked.handling >= stepsAtOnce || asked.vain >= vainStepsMax) return;
    delete asked.more;
    asked.vain++;
    const { session, messenger } = this.#parts;
    const body = { author, feeds: [], since: 0, device: session.device, token };
    messenger.send({ kind: "want", to, body, device }, session.signal)
      .catch(() => {
        // The session has ended.
      });
  }
}
