/**
 * The door: all that the screens show of one user's peer, and the events that change it.
 *
 * The caller hands over every event of the peer; it is told when something has changed, and then asks the parts that
 * it shows for their views. No method waits for the peer.
 *
 * @module
 */

import type { PeerCalls, PeerEvent, PostNameView, StatusView, UnreadView } from "../../core/api.ts";
import type { Time, Timer } from "../../lib/time.ts";
import type { SettingsPort } from "../settings/settings_port.ts";
import { Compose } from "./compose.ts";
import { Deeds } from "./deeds.ts";
import { Desk } from "./desk.ts";
import type { DraftFiles } from "./drafts.ts";
import { Notices } from "./notices.ts";
import { PeopleLists } from "./people.ts";
import { PostList } from "./post_list.ts";
import { Profile } from "./profile.ts";
import { Search } from "./search.ts";
import { Settings } from "./settings.ts";
import { networkText, type StatusLine, statusLines, type Tone } from "./status_words.ts";
import { Thread } from "./thread.ts";

/** The state of the peer is asked for at most so often: events come by the thousand. */
const statusEveryMs = 300;

/** What the screens need. */
export interface ViewsParts {
  /** The peer. */
  readonly api: PeerCalls;
  /** The time. */
  readonly time: Pick<Time, "now" | "monotonic" | "after">;
  /** The user who is logged in. */
  readonly self: string;
  /** Where drafts lie. */
  readonly files: DraftFiles;
  /** Something that is shown has changed; called at most 30 times a second. */
  readonly onChange: () => void;
}

/** What stands around every screen. */
export interface FrameView {
  /** The user who is logged in. */
  readonly self: string;
  /** What has not been read; 1,000 stand for more. */
  readonly unread: UnreadView;
  /** Nodes that the peer's node knows. */
  readonly contacts: number;
  /** Whether the peer is in the network. */
  readonly isJoined: boolean;
  /** Whether the node is in the network and others reach the peer, in a few words: `5 peers ⇅ ok`. */
  readonly network: { readonly text: string; readonly tone: Tone };
  /** Whether the last question for the state of the peer was answered. */
  readonly isAnswering: boolean;
}

const nothingUnread: UnreadView = { posts: 0, notifications: 0, requests: 0 };

/** The parts of all screens. */
export class Views {
  /** The timeline. */
  readonly home: PostList;
  /** What the user is told of. */
  readonly notifications: Notices;
  /** What strangers say. */
  readonly requests: Notices;
  /** The users who are followed, the followers, and users to follow. */
  readonly people: PeopleLists;
  /** What the user does beside writing. */
  readonly deeds: Deeds;
  readonly #desk: Desk;
  readonly #parts: ViewsParts;
  #status: StatusView | undefined;
  #isAnswering = true;
  #asking: Promise<void> | undefined;
  #isStale = false;
  #timer: Timer | undefined;

  /** The parts of that peer; nothing is loaded yet. */
  constructor(parts: ViewsParts) {
    this.#parts = parts;
    this.#desk = new Desk({ ...parts, onCounts: () => this.refresh() });
    this.home = new PostList(this.#desk, { isMarked: true });
    this.notifications = new Notices(this.#desk, "notifications");
    this.requests = new Notices(this.#desk, "requests");
    this.people = new PeopleLists(this.#desk);
    this.deeds = new Deeds(this.#desk);
    this.#desk.onEvents(() => this.refresh());
  }

  /** What the parts share. */
  get desk(): Desk {
    return this.#desk;
  }

  /** Something has happened in the peer. */
  event(event: PeerEvent): void {
    this.#desk.event(event);
  }

  /** Events may have been missed, because the peer was gone for a while: what is loaded is read again. */
  missed(): void {
    this.#desk.missed();
  }

  /** What stands around every screen. */
  frame(): FrameView {
    const { node, unread } = this.#status ?? {};
    return {
      self: this.#parts.self,
      unread: unread === undefined ? nothingUnread : { ...unread, posts: this.home.unread },
      contacts: node?.contacts ?? 0,
      isJoined: node?.joined ?? false,
      network: this.#network(),
      isAnswering: this.#isAnswering,
    };
  }

  /** Loads what all screens need: the state of the peer, the timeline, and who is followed. */
  open(): void {
    this.refresh();
    this.home.open();
    // It brings the names to be shown as well; who is online takes some seconds, in the background.
    this.people.open("following");
  }

  /** The thread of a post; to be closed. */
  thread(name: PostNameView): Thread {
    return new Thread(this.#desk, name);
  }

  /** The profile of a user; to be closed. */
  profile(username: string): Profile {
    return new Profile(this.#desk, username);
  }

  /** A search in the posts of this machine; to be closed. */
  search(): Search {
    return new Search(this.#desk);
  }

  /** The settings of a data folder; to be closed. */
  settings(port: SettingsPort): Settings {
    return new Settings(this.#desk, port);
  }

  /** The state of the peer, line by line; empty before it is known. */
  reach(): readonly StatusLine[] {
    return this.#status === undefined ? [] : statusLines(this.#status, this.#parts.time.now());
  }

  /** A post to be written, or an answer; to be closed. */
  compose(replyTo?: PostNameView): Compose {
    const { files } = this.#parts;
    return new Compose(this.#desk, { files, ...replyTo === undefined ? {} : { replyTo } });
  }

  #network(): FrameView["network"] {
    if (!this.#isAnswering) return { text: "the peer does not answer", tone: "warning" };
    if (this.#status === undefined) return { text: "", tone: "plain" };
    return networkText(this.#status);
  }

  /** Asks for the state of the peer, and for what is unread: soon, once for all who ask until then. */
  refresh(): void {
    if (this.#desk.isClosed) return;
    this.#isStale = true;
    if (this.#asking !== undefined || this.#timer !== undefined) return;
    this.#asking = this.#ask().finally(() => {
      this.#asking = undefined;
      if (this.#desk.isClosed) return;
      this.#timer = this.#parts.time.after(statusEveryMs, () => {
        this.#timer = undefined;
        if (this.#isStale) this.refresh();
      });
    });
  }

  async #ask(): Promise<void> {
    this.#isStale = false;
    try {
      this.#status = await this.#parts.api.status();
      this.#isAnswering = true;
      this.home.count(this.#status.unread.posts);
    } catch {
      this.#isAnswering = false;
    }
    this.#desk.changed();
  }

  /** Nothing is told any more. */
  close(): void {
    this.#timer?.cancel();
    this.deeds.stop();
    this.people.close();
    this.#desk.close();
  }
}
