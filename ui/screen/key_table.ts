/**
 * What keys do: one table, from which the hints at the foot, the help and the settings are made.
 *
 * @module
 */

/** Where a key does something: on every page, on lists of posts, of people, of requests, or while writing. */
export type Place = "everywhere" | "posts" | "people" | "requests" | "writing";

/** Something that a key does. */
export interface KeyEntry {
  /** What it is called in config.ini. */
  readonly action: string;
  /** Its keys unless config.ini names others. */
  readonly keys: readonly string[];
  /** Where it does something. */
  readonly place: Place;
  /** What it does, in the help. */
  readonly help: string;
  /** The same in a word or two, at the foot of the page; absent where it is not shown there. */
  readonly hint?: string;
}

/** An entry whose action is known to the compiler. */
type Entry<Name extends string> = KeyEntry & { readonly action: Name };

const at = (place: Place) =>
<const Name extends string>(
  action: Name,
  keys: readonly string[],
  help: string,
  hint?: string,
): Entry<Name> => ({ action, keys, place, help, ...hint === undefined ? {} : { hint } });

const everywhere = at("everywhere");
const onPosts = at("posts");
const onPeople = at("people");
const onRequests = at("requests");

const writing = at("writing");

/** All keys, in the order of the help. */
export const keyTable = [
  everywhere("down", ["j", "down"], "to the next entry"),
  everywhere("up", ["k", "up"], "to the entry before"),
  everywhere("page_down", ["pageDown", "ctrl+d", "space"], "a page down"),
  everywhere("page_up", ["pageUp", "ctrl+u"], "a page up"),
  everywhere("top", ["g", "home"], "to the newest, and what has come meanwhile"),
  everywhere("bottom", ["G", "end"], "to the last one that is loaded; again for more"),
  everywhere(
    "open",
    ["enter", "right", "l"],
    "open: the thread of a post, the profile of a user",
    "open",
  ),
  everywhere(
    "back",
    ["escape", "left", "h"],
    "back to the page before",
  ),
  everywhere("write", ["n"], "write a new post", "new"),
  everywhere("home", ["1"], "Home: your timeline"),
  everywhere("mentions", ["2"], "Mentions: what you are told of"),
  everywhere("people", ["3"], "People: whom you follow, your followers, suggestions"),
  everywhere("search", ["/", "4"], "search your posts", "search"),
  everywhere("next_tab", ["tab"], "the next list of the page"),
  onPosts("reply", ["r"], "reply to the post", "reply"),
  onPosts("repost", ["t"], "pass the post on to your followers"),
  onPosts("reveal", ["v"], "show the text behind a content warning, or hide it"),
  onPosts("delete", ["D"], "take back a post of yours"),
  onPosts("mute_thread", ["M"], "mute the thread, or show it again"),
  onPosts("profile", ["p"], "the profile of the author", "profile"),
  onPosts("show_id", ["i"], "show the name of the post, AUTHOR/ID"),
  onPosts("mark_read", ["A"], "mark all as read"),
  onPeople("follow", ["f"], "follow, or follow no longer", "follow"),
  onPeople("mute", ["m"], "mute the user, or show them again"),
  onPeople("remove_follower", ["X"], "take the user out of your followers"),
  onPeople("block", ["B"], "block the user, or take that back"),
  onRequests("dismiss", ["x"], "put the requests of this stranger aside", "hide"),
  everywhere("command", [":"], "type a command; Tab completes it"),
  everywhere("reload", ["ctrl+r"], "read the page again"),
  everywhere("redraw", ["ctrl+l"], "draw the screen again"),
  everywhere("suspend", ["ctrl+z"], "back to the shell for a while; fg returns"),
  everywhere("help", ["?"], "this help", "help"),
  everywhere("quit", ["q", "ctrl+c"], "end the screen", "quit"),
  writing("send", ["ctrl+s"], "publish", "posts"),
  writing("new_line", ["enter", "alt+enter", "ctrl+j"], "a new line"),
  writing("complete", ["tab"], "complete an @name", "@name"),
  writing("editor", ["ctrl+e"], "write in $EDITOR", "editor"),
  writing("warning", ["ctrl+t"], "a content warning, shown in place of the text", "warning"),
  writing("keep", ["escape", "ctrl+c"], "back; the draft is kept", "keeps the draft"),
] as const;

/** What a key can do. */
export type Action = typeof keyTable[number]["action"];
