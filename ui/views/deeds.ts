/**
 * What a user does beside writing: follows, mutes, blocks, passes on, deletes. Each runs in the background, says how
 * it went in a sentence, and lets the lists that it concerns read again what they show.
 *
 * @module
 */

import type { MuteRequest, PeerCalls, PostNameView } from "../../core/api.ts";
import { type Desk, problemOf } from "./desk.ts";
import type { PersonDeed } from "./relations.ts";
import { deletedText, followText } from "./words.ts";

/** Something to be done. */
export type Deed =
  | { readonly deed: PersonDeed; readonly username: string; readonly fingerprint?: string }
  | { readonly deed: "muteWhat" | "unmuteWhat"; readonly request: MuteRequest }
  | { readonly deed: "repost"; readonly name: PostNameView }
  | { readonly deed: "delete"; readonly name: PostNameView };

/** How it goes. */
export interface DeedsView {
  /** What is under way, such as `Looking for bob`; null for nothing. */
  readonly busy: string | null;
  /** How the last one went, unfiltered; null before the first, and once it was put aside. */
  readonly said: {
    /** A sentence. */
    readonly text: string;
    /** Whether it was refused. */
    readonly isProblem: boolean;
    /** Differs from that of the sentence before. */
    readonly number: number;
  } | null;
}

/** How a deed is said and done. */
interface Way {
  readonly doing: string;
  /** Resolves to what became of it, in a sentence. */
  readonly run: (api: PeerCalls, signal: AbortSignal) => Promise<string>;
}

/** What is muted, in words. */
function mutedName({ what, kind }: MuteRequest): string {
  if (kind === "thread") return "the thread";
  return kind === "user" ? `@${what.replace(/^@/, "")}` : what;
}

function muteWay(request: MuteRequest, isMuted: boolean): Way {
  const name = mutedName(request);
  return isMuted
    ? {
      doing: `Muting ${name}`,
      run: async (api) => {
        const { until } = await api.mute(request);
        const end = until === null ? "" : ` until ${until.slice(0, 16).replace("T", " ")} UTC`;
        return `Muted ${name}${end}`;
      },
    }
    : {
      doing: `Showing ${name} again`,
      run: async (api) => {
        await api.unmute(request);
        return `No longer muted: ${name}`;
      },
    };
}

function personWay(deed: PersonDeed, username: string, fingerprint?: string): Way {
  const request = { username };
  switch (deed) {
    case "follow":
      return {
        doing: `Looking for ${username}`,
        run: async (api, signal) =>
          followText(
            await api.follow(
              { username, ...fingerprint === undefined ? {} : { fingerprint } },
              signal,
            ),
          ),
      };
    case "unfollow":
      return {
        doing: `Unfollowing ${username}`,
        run: async (api, signal) => followText(await api.unfollow(request, signal)),
      };
    case "mute":
    case "unmute": {
      return muteWay({ what: username, kind: "user" }, deed === "mute");
    }
    case "block":
      return {
        doing: `Blocking ${username}`,
        run: async (api) => {
          await api.block(request);
          return `Blocked ${username}: nothing is taken from them, and they are told so if they follow.`;
        },
      };
    case "unblock":
      return {
        doing: `Unblocking ${username}`,
        run: async (api) => {
          await api.unblock(request);
          return `No longer blocked: ${username}`;
        },
      };
    case "removeFollower":
      return {
        doing: `Removing ${username}`,
        run: async (api) => {
          await api.removeFollower(request);
          return `${username} no longer follows you. To keep it so, block them.`;
        },
      };
    case "dismiss":
      return {
        doing: `Hiding the requests of ${username}`,
        run: async (api) => {
          await api.dismiss(request);
          return `The requests of ${username} are hidden.`;
        },
      };
  }
}

function wayOf(deed: Deed): Way {
  switch (deed.deed) {
    case "muteWhat":
    case "unmuteWhat":
      return muteWay(deed.request, deed.deed === "muteWhat");
    case "repost":
      return {
        doing: "Reposting",
        run: async (api) => {
          await api.repost(deed.name);
          return `Passed on to your followers: the post by ${deed.name.author}`;
        },
      };
    case "delete":
      return {
        doing: "Deleting",
        run: async (api) => deletedText((await api.deletePosts({ ids: [deed.name.id] })).length),
      };
    default:
      return personWay(deed.deed, deed.username, deed.fingerprint);
  }
}

/** Does something; resolves to what became of it, in a sentence. */
export function doDeed(api: PeerCalls, deed: Deed, signal: AbortSignal): Promise<string> {
  return wayOf(deed).run(api, signal);
}

/** What the user does. */
export class Deeds {
  readonly #desk: Desk;
  /** Under way, by what they are: the same one is not begun twice. */
  readonly #running = new Map<string, { readonly way: Way; readonly end: AbortController }>();
  #said: DeedsView["said"] = null;
  #count = 0;

  /** Nothing is under way. */
  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** How it goes. */
  view(): DeedsView {
    const last = [...this.#running.values()].at(-1);
    return { busy: last?.way.doing ?? null, said: this.#said };
  }

  /** Does something; resolves to whether it was done. The same one that is under way is not begun again. */
  async run(deed: Deed): Promise<boolean> {
    const key = JSON.stringify(deed);
    if (this.#running.has(key)) return false;
    const way = wayOf(deed);
    const end = new AbortController();
    this.#running.set(key, { way, end });
    this.#desk.changed();
    let isDone = false;
    try {
      this.say(await way.run(this.#desk.api, end.signal));
      isDone = true;
    } catch (error) {
      if (!end.signal.aborted) this.say(problemOf(error), true);
    }
    this.#running.delete(key);
    if (isDone) await this.#desk.done(deed);
    this.#desk.changed();
    return isDone;
  }

  /** Says something to the person. */
  say(text: string, isProblem = false): void {
    this.#said = { text, isProblem, number: ++this.#count };
    this.#desk.changed();
  }

  /** The person has read what was said. */
  hush(): void {
    this.#said = null;
    this.#desk.changed();
  }

  /** Ends what is under way, as far as that is possible. */
  stop(): void {
    for (const { end } of this.#running.values()) end.abort();
  }
}
