/**
 * Measures the page in a real Chromium, served by a peer with many posts: the first view, a key to its repaint, a
 * post to the page, memory.
 *
 *     deno task bench page [--posts=100000] [--views=20] [--keys=200] [--live=60]
 *
 * Prints one JSON line a figure.
 *
 * @module
 */

import type { LoopbackClient } from "../ui/peer/loopback_client.ts";
import { Browser, Chromium, chromium, type Tab } from "../tests/e2e/browser.ts";
import { Network, type User } from "../tests/e2e/harness.ts";
import { option, sleep } from "./delivery/measure.ts";
import { clientOf, fill } from "./many_posts.ts";
import { report, summary } from "./report.ts";

/** Memory of a user's running peer, in MB. */
async function memoryMB({ process }: User): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${process?.pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1000;
}

/** Draws Home again and again. */
async function views(tab: Tab, count: number): Promise<void> {
  const times: number[] = [];
  let bytes = 0;
  let shift = 0;
  for (let i = 0; i < count; i++) {
    await tab.send("Network.clearBrowserCache");
    const before = await tab.value<number>("performance.timeOrigin");
    await tab.send("Page.reload");
    await tab.until(`performance.timeOrigin !== ${before}`);
    await tab.ready();
    await sleep(100);
    const seen = await tab.value<{ paint: number; bytes: number; shift: number }>(`(() => {
      const shifts = new PerformanceObserver(() => {});
      shifts.observe({ type: "layout-shift", buffered: true });
      const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
      return {
        paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
        bytes: loaded.reduce((sum, { transferSize }) => sum + transferSize, 0),
        shift: shifts.takeRecords().reduce((sum, { value }) => sum + value, 0),
      };
    })()`);
    times.push(seen.paint);
    bytes = Math.max(bytes, seen.bytes);
    shift = Math.max(shift, seen.shift);
  }
  report("first view, to the first paint of the posts, ms", summary(times));
  report("first view", { KB: bytes / 1000, layout_shift: shift });
}

/** Presses j and k; each is over when the frame after it was drawn. */
async function keys(tab: Tab, count: number): Promise<void> {
  await tab.value(`
    globalThis.drawn = [];
    addEventListener("keydown", ({ timeStamp }) => requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => drawn.push(performance.now() - timeStamp);
      port2.postMessage(0);
    }), true);
  `);
  for (let i = 0; i < count; i++) {
    await tab.press(i % 4 === 3 ? "k" : "j");
    await sleep(15);
    // The last post of a screen leads to the next one, which is no repaint.
    if (i % 40 === 39) await tab.value("document.querySelector('.post').focus()");
  }
  await tab.until(`drawn.length >= ${count}`);
  report("key to repaint, ms", summary(await tab.value<number[]>("drawn")));
}

/** Has an author post; each post is over when the reader's page has it, counted from when the reader's peer told. */
async function live(
  tab: Tab,
  { author, reader }: { readonly author: LoopbackClient; readonly reader: LoopbackClient },
  count: number,
): Promise<void> {
  const told = new Map<string, number>();
  await reader.subscribe((event) => {
    if (event.event === "post") told.set(event.post.text, Date.now());
  });
  await tab.value("document.activeElement.blur(), scrollTo(0, 0)");
  await tab.value(`
    globalThis.seen = new Map();
    new MutationObserver(() => {
      for (const [, text] of document.getElementById("posts").innerText.matchAll(/(Live post \\d+ of bob)/g)) {
        if (!seen.has(text)) seen.set(text, Date.now());
      }
    }).observe(document.body, { childList: true, subtree: true });
  `);
  const times: number[] = [];
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    await sleep(400);
    const text = `Live post ${i} of bob`;
    await author.api.post({ text });
    const published = Date.now();
    await tab.until(`seen.has(${JSON.stringify(text)})`);
    const shown = await tab.value<number>(`seen.get(${JSON.stringify(text)})`);
    times.push(shown - (told.get(text) ?? NaN));
    all.push(shown - published);
  }
  report("a post from the reader's peer to the page, ms", summary(times));
  report("a post from its author's peer to the page, ms", summary(all));
}

async function main(): Promise<void> {
  if (chromium === undefined) throw new Error("there is no Chromium here");
  await using network = await Network.start();
  const alice = await network.register("alice");
  const bob = await network.register("bob");
  await alice.json("follow", "bob");
  await bob.json("follow", "alice");
  await alice.down();
  await fill(alice, option("posts", 100_000));
  await alice.up();
  const reader = await clientOf(alice);
  // The index of the posts is built first: it is the database's work, and not the page's.
  while ((await reader.api.status()).store.indexed !== undefined) await sleep(500);
  await sleep(5_000);
  const before = await memoryMB(alice);
  const web = network.start([...network.flags(alice.data), "--json", "web", "--no-open"]);
  const { url } = await web.ready() as unknown as { url: string };
  const idle = await memoryMB(alice);
  await using chrome = await Chromium.start();
  await using browser = await Browser.of(chrome);
  const tab = await browser.tab();
  await tab.enter(url);
  await views(tab, option("views", 20));
  await keys(tab, option("keys", 200));
  const author = await clientOf(bob);
  await live(tab, { author, reader }, option("live", 60));
  const after = await memoryMB(alice);
  report("memory of the peer, MB", { without: before, page_on: idle, in_use: after });
  author.close();
  reader.close();
}

await main();
