/**
 * Draws the pictures of the page in docs/images/: six screens in a real Chromium, of a peer in memory.
 *
 *     deno run -A tools/page_pictures.ts
 *
 * @module
 */

import type { NotificationView, PostView } from "../core/api.ts";
import { SystemRandom } from "../net/system/system_random.ts";
import { Browser, Chromium, chromium, type Tab } from "../tests/e2e/browser.ts";
import { FakePeer } from "../tests/ui/fake_peer.ts";
import { PageServer } from "../ui/web/page_server.ts";

/** Where the pictures go. */
export const pictureFolder: URL = new URL("../docs/images/", import.meta.url);

/** Names of the pictures, without the ending. */
export const pictures = [
  "page-home",
  "page-thread",
  "page-compose",
  "page-notifications",
  "page-people",
  "page-narrow",
] as const;

const minuteMs = 60_000;

/** A post of so many minutes ago; its id follows its time. */
function post(
  minutes: number,
  author: string,
  text: string,
  parts: Partial<PostView> = {},
): PostView {
  const time = Date.now() - minutes * minuteMs;
  return {
    ...{ id: String(Math.floor(time / 1000)), author, text, reply_to: null, read: minutes > 12 },
    created_at: new Date(time).toISOString(),
    ...parts,
  };
}

function nameOf({ author, id }: PostView) {
  return { author, id };
}

/** A peer with something to show. */
function demoPeer(): { api: FakePeer; focus: PostView } {
  const api = new FakePeer();
  api.user = FakePeer.view("mia");
  const walk = post(
    41,
    "alice",
    "Who comes along to the lake on Saturday? We leave at nine, by bike.",
    {
      replies: 3,
    },
  );
  const yes = post(33, "mia", "I do! Shall I bring tea?", { reply_to: nameOf(walk), replies: 1 });
  const please = post(
    30,
    "alice",
    "Please do, @mia. Bob has the map: https://maps.example.org/lake",
    {
      reply_to: nameOf(yes),
      root: nameOf(walk),
      mentions: ["mia"],
    },
  );
  const late = post(9, "bob", "I start from the station at half past nine and meet you there.", {
    reply_to: nameOf(walk),
  });
  const film = post(24, "dana", "The ending is the best part: nobody moves for a whole minute.", {
    warning: "the film of last night",
  });
  const original = post(
    300,
    "erik",
    "Five hundred nodes this morning, and not one server among them. #kademlia",
  );
  const { read: _, ...reposted } = original;
  const shared = post(5, "carol", "", {
    repost_of: { ...reposted, fingerprint: FakePeer.view("erik").fingerprint, verified: true },
  });
  const bread = post(
    2,
    "carol",
    "The bread has risen.\n\nIt needs another hour in the cold, and then the oven at 240.",
  );
  const hello = post(
    68,
    "dana",
    "Good morning from the night train. Breakfast somewhere behind Lyon.",
  );
  const paper = post(
    95,
    "bob",
    "Reading the Kademlia paper again. Section 2.3 is two sentences, and took me two years.",
  );
  const rain = post(140, "alice", "Rain until noon. #garden");
  api.posts.push(bread, shared, late, film, please, yes, walk, hello, paper, rain);
  for (const name of ["alice", "bob", "carol", "dana"]) api.following.add(name);
  const told = (
    id: number,
    minutes: number,
    parts: Partial<NotificationView>,
  ): NotificationView => ({
    ...{ id: String(id), kind: "mention", from: "alice", post: null, read: minutes > 12 },
    at: new Date(Date.now() - minutes * minuteMs).toISOString(),
    ...parts,
  });
  const notifications = [
    told(4, 4, { kind: "follow", from: "frida" }),
    told(3, 9, { kind: "reply", from: "bob", post: late }),
    told(2, 30, { post: please }),
    told(1, 700, {
      kind: "security",
      from: "mia",
      message: "A new device of yours is announced: number 3",
    }),
  ];
  api.told.notifications = notifications;
  const thread = { root: nameOf(walk), posts: [walk, yes, please, late], missing: 0 };
  api.thread = () => Promise.resolve(thread);
  api.suggestions = [
    { username: "erik", kind: "know", reason: "followed by alice and carol, whom you follow" },
    { username: "frida", kind: "interest", reason: "users of similar taste follow frida" },
  ];
  const { status } = api;
  api.status = async () => ({
    ...await status.call(api),
    unread: { posts: 3, notifications: 2, requests: 1 },
  });
  return { api, focus: yes };
}

/** Draws one screen. */
async function draw(tab: Tab, name: typeof pictures[number]): Promise<void> {
  await Deno.writeFile(new URL(`${name}.png`, pictureFolder), await tab.picture());
}

async function go(tab: Tab, path: string): Promise<void> {
  const before = await tab.value<number>("performance.timeOrigin");
  await tab.value(`void location.assign(document.body.dataset.base + ${JSON.stringify(path)})`);
  await tab.until(`performance.timeOrigin !== ${before}`);
  await tab.ready();
  await tab.until("!document.body.innerText.includes('Asking others')");
}

/** Draws all of them. */
export async function drawPictures(): Promise<void> {
  if (chromium === undefined) {
    throw new Error("Cannot draw the pictures: there is no Chromium here");
  }
  const { api, focus } = demoPeer();
  const random = new SystemRandom();
  await using server = await PageServer.open({
    api,
    randomBytes: (length) => random.bytes(length),
    log: () => {},
  });
  await using process = await Chromium.start();
  await using browser = await Browser.of(process);
  const tab = await browser.tab();
  await tab.look({ width: 760, height: 820 });
  await tab.enter(`http://127.0.0.1:${server.port}/#${server.code()}`);
  await tab.press("j");
  await draw(tab, "page-home");
  await tab.look({ width: 760, height: 520 });
  await go(tab, `/thread/${focus.author}/${focus.id}`);
  await draw(tab, "page-thread");
  await go(tab, "/");
  await tab.value(
    "[...document.querySelectorAll('.post')].find((each) => each.innerText.includes('half past')).focus()",
  );
  await tab.press("r");
  await tab.type("See you there. I bring tea for four, and the small stove.");
  await tab.until("document.getElementById('compose-state').innerText !== ''");
  await draw(tab, "page-compose");
  await tab.press("Escape");
  await go(tab, "/notifications");
  await draw(tab, "page-notifications");
  await go(tab, "/people?list=suggestions");
  await draw(tab, "page-people");
  await tab.look({ width: 360, height: 640, isDark: true });
  await go(tab, "/");
  await draw(tab, "page-narrow");
}

if (import.meta.main) await drawPictures();
