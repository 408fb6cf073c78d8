/**
 * The own `private` record: renewed on the network, kept in step with the key file.
 *
 * @module
 */

import { CamelliaError } from "../model/errors.ts";
import type { SignedRecord } from "../model/record.ts";
import { isEmptied, isSameBody, type PrivateBody } from "../model/record_body.ts";
import { compareRecords, signFresh } from "../model/record_policy.ts";
import { accountClosed } from "../session/closed.ts";
import type { Session } from "../session/interfaces.ts";
import { isWorn, type RecordWriter } from "./record_writer.ts";

/** How far the number of keys that are put back is ahead: each of a write's attempts took a higher one. */
const takeBackStep = 100;

/** Keeps the sealed keys of one session's user, in the key file and on the network. */
export class SealedKeys {
  readonly #session: Session;
  readonly #writer: RecordWriter;
  #record: SignedRecord<PrivateBody>;

  /** The keeper of one session, with the record in the key file. */
  constructor(session: Session, writer: RecordWriter, record: SignedRecord<PrivateBody>) {
    this.#session = session;
    this.#writer = writer;
    this.#record = record;
  }

  /** The sealed keys in force as far as known: those in the key file. */
  get record(): SignedRecord<PrivateBody> {
    return this.#record;
  }

  /** Whether these keys are marked to stay off the network. */
  get isLocal(): boolean {
    return this.#record.body.isLocal === true;
  }

  /** Whether they go to the network: neither the settings nor their mark keep them off it. */
  get isPublished(): boolean {
    return this.#session.settings.publishPrivate && !this.isLocal;
  }

  /**
   * Reads the network's record: a newer one, after a change of password on another device, replaces
   * the key file, and the session ends. Where the network's is older, worn or gone, the key file's is written there,
   * unless it is to stay off the network.
   */
  async pull(signal?: AbortSignal): Promise<void> {
    const outcome = await this.#writer.write({
      namespace: "private",
      force: true,
      // Not the clock: renewing must never beat a change of password that was not seen.
      sequenceMin: () => this.#record.sequence,
      build: async (seen) => {
        if (seen !== undefined) await this.#adopt(seen);
        if (!this.isPublished || (seen !== undefined && isEmptied(seen.body))) return undefined;
        const there = seen !== undefined && isSameBody("private", seen.body, this.#record.body) &&
          !isWorn(seen, this.#session.ports.clock.now());
        return there ? undefined : this.#record.body;
      },
    }, signal);
    if (outcome === "written") await this.#adopt(this.#writer.seen("private"));
  }

  /**
   * Puts freshly sealed keys in the place of the present ones: in the key file first, then on the network,
   * where a majority of the nodes besides one's own must take them. While there is no network the key file
   * is enough; {@linkcode pull} publishes them then. After a failure the present keys stay in force.
   *
   * @throws {CamelliaError} `superseded` if another device has changed the password meanwhile,
   * `too_few_holders` if the network is there and refuses; the disk's errors.
   */
  async replace(body: PrivateBody, signal?: AbortSignal): Promise<void> {
    const { ports, identity } = this.#session;
    const before = this.#record;
    const { username } = before;
    const now = Math.floor(ports.clock.now());
    const sequence = Math.max(before.sequence + 1, now);
    const keepNew = () =>
      this.#keep(signFresh({ username, namespace: "private", sequence, body }, now, identity));
    if (!this.isPublished) return await keepNew();
    let [isKept, isDone] = [false, false];
    try {
      const outcome = await this.#writer.write({
        namespace: "private",
        force: true,
        byOthers: true,
        sequenceMin: () => sequence,
        build: async (seen) => {
          const mine = seen !== undefined && isSameBody("private", seen.body, body);
          // A copy on one's own node alone does not end the write.
          if (mine && isDone) return undefined;
          if (!mine) await this.#adopt(seen);
          if (!isSameBody("private", this.#record.body, isKept ? body : before.body)) {
            throw new CamelliaError(
              "superseded",
              `Cannot change the password of ${username}: another device has just changed it. ` +
                "Log in with that one, and try again.",
            );
          }
          if (!isKept) await keepNew();
          isKept = true;
          return body;
        },
      }, signal);
      if (outcome === "refused") {
        throw new CamelliaError(
          "too_few_holders",
          `Cannot change the password of ${username}: fewer than half of the other nodes took the ` +
            "sealed keys. The old password stays in force. Set this machine's clock if it is wrong, " +
            "or try again later.",
        );
      }
      isDone = true;
      if (outcome === "offline" && !isKept) await keepNew();
      if (outcome === "written") await this.#adopt(this.#writer.seen("private"));
    } catch (error) {
      if (isKept && !isDone && isSameBody("private", this.#record.body, body)) {
        await this.#takeBack(before.body);
      }
      throw error;
    }
  }

  /** Puts the keys from before in force again, in the key file and wherever the new ones have arrived. */
  async #takeBack(body: PrivateBody): Promise<void> {
    const { ports, identity, signal } = this.#session;
    // After a logout nothing can be signed any more: the next login settles what is in force.
    if (signal.aborted) return;
    const { username, sequence } = this.#record;
    const seen = this.#writer.seen("private")?.sequence ?? 0;
    const now = Math.floor(ports.clock.now());
    const next = { sequence: Math.max(sequence, seen) + takeBackStep, body };
    const record = signFresh({ username, namespace: "private", ...next }, now, identity);
    await this.#keep(record);
    this.#writer.note(record);
    await ports.directory.put(record, signal);
  }

  async #adopt(seen: SignedRecord<PrivateBody> | undefined): Promise<void> {
    if (seen === undefined || compareRecords(seen, this.#record) <= 0) return;
    const { username } = this.#record;
    if (isEmptied(seen.body)) return this.#session.leave(accountClosed("go on as", username));
    const isSealedAnew = !isSameBody("private", seen.body, this.#record.body);
    await this.#keep(seen);
    if (!isSealedAnew) return;
    // A person who knows the old password alone is not to go on here.
    const message = `The password of ${username} was changed on another device. ` +
      `Log in again with the new one: camellia login ${username}`;
    this.#session.leave(new CamelliaError("password_changed", message));
  }

  async #keep(record: SignedRecord<PrivateBody>): Promise<void> {
    await this.#session.ports.keys.write(record.username, record.value);
    this.#record = record;
  }
}
