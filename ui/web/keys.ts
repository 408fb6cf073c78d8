/**
 * The keys of the page: the table that the script obeys and the help shows.
 *
 * @module
 */

/** A key and what it does. */
export interface PageKey {
  /** What the script calls it. */
  readonly name: string;
  /** The keys, as `KeyboardEvent.key` names them. */
  readonly keys: readonly string[];
  /** What it does, in words. */
  readonly does: string;
}

/** All keys. */
export const keys: readonly PageKey[] = [
  { name: "next", keys: ["j", "ArrowDown"], does: "the next post" },
  { name: "previous", keys: ["k", "ArrowUp"], does: "the post before" },
  { name: "open", keys: ["Enter"], does: "open the thread" },
  { name: "new", keys: ["n"], does: "write a post" },
  { name: "reply", keys: ["r"], does: "reply" },
  { name: "repost", keys: ["b"], does: "repost" },
  { name: "delete", keys: ["x"], does: "delete a post of yours" },
  { name: "reveal", keys: ["v"], does: "show or hide a text behind its warning" },
  { name: "profile", keys: ["p"], does: "the author's profile" },
  { name: "follow", keys: ["f"], does: "follow or unfollow the author" },
  { name: "more", keys: ["m"], does: "mute, block" },
  { name: "top", keys: ["g"], does: "the newest posts, with those that came meanwhile" },
  { name: "home", keys: ["1"], does: "Home" },
  { name: "notifications", keys: ["2"], does: "Notifications" },
  { name: "requests", keys: ["3"], does: "Requests" },
  { name: "people", keys: ["4"], does: "People" },
  { name: "search", keys: ["/"], does: "search" },
  { name: "back", keys: ["u"], does: "back" },
  { name: "help", keys: ["?"], does: "this help" },
];
