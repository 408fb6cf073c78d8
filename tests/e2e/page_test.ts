/** The page in a real Chromium: two people who talk, and pages and texts that mean harm. */

import assert from "node:assert/strict";
import axe from "axe-core";
import type { PostView } from "../../core/api.ts";
import { SystemRandom } from "../../net/system/system_random.ts";
import { PageServer } from "../../ui/web/page_server.ts";
import { FakePeer } from "../ui/fake_peer.ts";
import { draftsIn } from "../ui/views/world.ts";
import type { DraftFiles } from "../../ui/views/drafts.ts";
import { hostileTexts } from "../ui/web/hostile.ts";
import { Browser, Chromium, chromium, type Tab } from "./browser.ts";
import { deriveCheaply, Network, type User } from "./harness.ts";

deriveCheaply();

const ignore = chromium === undefined;
const where = ignore ? " (ignored: there is no Chromium here)" : "";

/** One for all tests here: each has people of its own in it. */
let process: Chromium | undefined;

Deno.test.beforeAll(async () => {
  if (!ignore) process = await Chromium.start();
});
Deno.test.afterAll(() => process?.[Symbol.asyncDispose]());

async function openBrowser(): Promise<Browser> {
  assert.ok(process !== undefined);
  return await Browser.of(process);
}

/** The page of a peer in memory. */
async function openPage(prepare: (api: FakePeer) => void) {
  const api = new FakePeer();
  api.user = FakePeer.view("alice");
  prepare(api);
  return await servePage(api, draftsIn(new Map()));
}

async function servePage(api: FakePeer, drafts: DraftFiles) {
  const random = new SystemRandom();
  const server = await PageServer.open({
    api,
    drafts,
    randomBytes: (length) => random.bytes(length),
    log: (_level, message) => assert.fail(message),
  });
  return {
    ...{ api, server, drafts },
    url: () => `http://127.0.0.1:${server.port}/#${server.code()}`,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function post(id: number, parts: Partial<PostView> = {}): PostView {
  return {
    ...{ id: String(id), author: "bob", text: `Text ${id}`, reply_to: null },
    created_at: new Date(Date.UTC(2026, 0, 1) + id * 60_000).toISOString(),
    ...parts,
  };
}

/** A path of the session that a tab is in. */
async function go(tab: Tab, path: string): Promise<void> {
  const before = await tab.value<number>("performance.timeOrigin");
  await tab.value(`void location.assign(document.body.dataset.base + ${JSON.stringify(path)})`);
  await tab.until(`performance.timeOrigin !== ${before}`);
  await tab.ready();
}

/** What is serious of what axe finds, by all of its rules or by some. */
async function seriousIn(tab: Tab, rules?: string[]): Promise<unknown[]> {
  const isThere = await tab.value<boolean>("globalThis.axe !== undefined");
  if (!isThere) await tab.value(`${axe.source}; void 0`);
  const only = rules === undefined ? "" : `runOnly: ${JSON.stringify(rules)},`;
  return await tab.value(
    `axe.run(document, { ${only} resultTypes: ["violations"] }).then(({ violations }) =>
    violations.filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 200))]))`,
  );
}

Deno.test({
  name: `In Chromium no text of a stranger runs, on any screen${where}`,
  ignore,
  async fn() {
    await using page = await openPage((api) => {
      api.posts.push(
        ...hostileTexts.slice(0, 1000).map((text, i) =>
          post(5000 - i, { text, ...(i % 3 === 0 ? { warning: text } : {}) })
        ),
      );
      const [text = ""] = hostileTexts;
      api.suggestions = [{ username: "bob", kind: "know", reason: text }];
    });
    await using browser = await openBrowser();
    const tab = await browser.tab();
    await tab.enter(page.url());
    const screens = [
      "/thread/bob/5000",
      `/search?q=${encodeURIComponent("script")}`,
      "/people?list=suggestions",
      "/profile/bob",
    ];
    const looked: string[] = [];
    const look = async () => {
      // Whatever would have run at a touch is touched.
      await tab.value(`for (const each of document.querySelectorAll("#main *")) {
        each.dispatchEvent(new Event("mouseover", { bubbles: true }));
        if (each.tagName === "DETAILS") each.open = true;
      }`);
      looked.push(await tab.value("document.getElementById('main').innerText"));
      assert.equal(await tab.value("globalThis.pwned ?? null"), null);
    };
    await look();
    // Forty a screen: all texts are on some screen.
    while (await tab.value("document.querySelector('a[rel=next]') !== null")) {
      const before = await tab.value<number>("performance.timeOrigin");
      await tab.value("document.querySelector('a[rel=next]').click()");
      await tab.until(`performance.timeOrigin !== ${before}`);
      await tab.ready();
      await look();
    }
    assert.ok(looked.length > hostileTexts.length / 40);
    for (const path of screens) {
      await go(tab, path);
      await look();
    }
    assert.match(looked.join("\n"), /<script>globalThis\.pwned=1<\/script>/);
    assert.deepEqual(tab.complaints, []);
  },
});

Deno.test({
  name: `In Chromium a page of another origin can neither read, write nor frame the page${where}`,
  ignore,
  async fn() {
    await using page = await openPage((api) => api.posts.push(post(7)));
    const origin = `http://127.0.0.1:${page.server.port}`;
    await using foreign = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () =>
        new Response("<!DOCTYPE html><body></body>", { headers: { "content-type": "text/html" } }),
    );
    await using browser = await openBrowser();
    const tab = await browser.tab();
    await tab.enter(page.url());
    const base = await tab.value<string>("document.body.dataset.base");
    const token = await tab.value<string>(
      "localStorage.getItem('token/' + document.body.dataset.base.slice(1))",
    );
    const cookie = await tab.value<string>("document.cookie");
    assert.equal(cookie, "", "no script reads the cookie");
    assert.equal(await tab.value("location.hash"), "");
    // Worse than any real one, it knows the secret path, and even the token.
    const other = await browser.tab(tab.person);
    await other.open(`http://127.0.0.1:${foreign.addr.port}/`);
    await other.until("document.body !== null && location.port !== ''");
    const tried = await other.value<string[]>(`(async () => {
      const at = ${JSON.stringify(origin + base)};
      const body = '{"text":"from elsewhere"}';
      const token = { "camellia-token": ${JSON.stringify(token)} };
      const json = { "content-type": "application/json" };
      const outcome = (promise) => promise.then((answer) => answer.type + answer.status, () => "failed");
      const framed = new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.onload = () => { try { resolve(String(frame.contentDocument?.body.innerText)); } catch { resolve("closed"); } };
        frame.src = at + "/";
        document.body.append(frame);
      });
      const streamed = new Promise((resolve) => {
        const source = new EventSource(at + "/live", { withCredentials: true });
        source.onmessage = () => resolve("read");
        source.onerror = () => resolve("failed");
      });
      const script = new Promise((resolve) => {
        const element = document.createElement("script");
        element.onload = () => resolve("loaded");
        element.onerror = () => resolve("failed");
        element.src = at + "/";
        document.body.append(element);
      });
      return [
        await outcome(fetch(at + "/", { credentials: "include" })),
        await outcome(fetch(at + "/do/post", { method: "POST", credentials: "include", body, headers: { ...json, ...token } })),
        await outcome(fetch(at + "/do/post", { method: "POST", mode: "no-cors", credentials: "include", body })),
        await streamed, await script, await framed,
      ];
    })()`);
    assert.deepEqual(tried.slice(0, 5), ["failed", "failed", "failed", "failed", "failed"]);
    assert.ok(!tried[5]?.includes("Text 7"), tried[5]);
    await other.value(`{
      const form = document.createElement("form");
      form.method = "post"; form.enctype = "text/plain"; form.action = ${
      JSON.stringify(`${origin}${base}/do/post`)
    };
      const field = document.createElement("input");
      field.name = '{"text":"from a form","x":"'; field.value = '"}';
      form.append(field); document.body.append(form); form.submit();
    }`);
    await other.until("document.body.innerText.includes('Cannot do that')");
    assert.ok(!page.api.calls.includes("post"));
    assert.ok(page.api.posts.every(({ text }) => text === "Text 7"));
  },
});

Deno.test({
  name: `In Chromium axe finds nothing serious on any screen, light or dark${where}`,
  ignore,
  async fn() {
    await using page = await openPage((api) => {
      api.posts.push(
        post(4, { read: false, warning: "a film" }),
        post(3, { reply_to: { author: "bob", id: "2" }, text: "@alice https://example.org #tag" }),
        post(2, { author: "alice", replies: 1 }),
      );
      api.following.add("bob");
      api.suggestions = [{ username: "dave", kind: "know", reason: "bob does" }];
    });
    await using browser = await openBrowser();
    const tab = await browser.tab();
    await tab.enter(page.url());
    const paths = ["/", "/thread/bob/2", "/people?list=following", "/profile/bob", "/settings"];
    for (const path of paths) {
      await go(tab, path);
      await tab.until("!document.body.innerText.includes('Asking others')");
      await tab.look({ isDark: true });
      assert.deepEqual(await seriousIn(tab, ["color-contrast"]), [], `${path}, dark`);
      await tab.look({});
      assert.deepEqual(await seriousIn(tab), [], path);
    }
    await go(tab, "/search?q=text");
    assert.deepEqual(await seriousIn(tab), [], "search");
    await tab.press("n");
    assert.deepEqual(await seriousIn(tab), [], "writing");
  },
});

Deno.test({
  name: `In Chromium all can be read and done by keys, in wide and narrow windows${where}`,
  ignore,
  async fn(t) {
    await using page = await openPage((api) => {
      for (let i = 200; i > 0; i--) api.posts.push(post(i, { read: i <= 190 }));
      api.posts.splice(3, 0, post(197, { author: "carol", warning: "a film" }));
      api.following.add("bob");
      api.followers.add("carol");
      api.suggestions = [{ username: "dave", kind: "know", reason: "bob does" }];
    });
    await using browser = await openBrowser();
    const tab = await browser.tab();
    await tab.enter(page.url());

    await t.step("No screen is wider than a window of 360 pixels", async () => {
      await tab.look({ width: 360, height: 700 });
      for (const path of ["/", "/people", "/settings", "/search"]) {
        await go(tab, path);
        assert.ok(await tab.value("document.documentElement.scrollWidth <= 360"), path);
      }
      await tab.look({});
    });

    await t.step("j, k and Enter read; h goes back to the same place", async () => {
      await go(tab, "/");
      assert.match(await tab.value("document.querySelector('.since').innerText"), /unread\)$/);
      for (let i = 0; i < 12; i++) await tab.press("j");
      await tab.press("k");
      const at = await tab.value<string>("document.activeElement.dataset.post");
      assert.equal(at, "bob/191");
      await tab.press("Enter");
      await tab.until("location.pathname.endsWith('/thread/bob/191')");
      await tab.ready();
      await tab.press("h");
      await tab.until(
        "location.pathname.split('/').length === 3 && document.getElementById('newer') !== null",
      );
      await tab.ready();
    });

    await t.step("A post that comes moves nothing that is read, and g shows it", async () => {
      await go(tab, "/");
      for (let i = 0; i < 6; i++) await tab.press("j");
      const top = () => tab.value<number>("document.activeElement.getBoundingClientRect().top");
      const chosen = await tab.value<string>("document.activeElement.id");
      const before = await top();
      for (let i = 1; i <= 3; i++) page.api.arrive("bob", `New ${i}`);
      await tab.until("document.querySelector('#newer button').innerText === '↑ 3 newer'");
      assert.equal(await top(), before);
      assert.equal(await tab.value("document.activeElement.id"), chosen);
      await tab.press("g");
      await tab.until("document.getElementById('posts').innerText.includes('New 3')");
      assert.equal(await tab.value("scrollY"), 0);
      assert.equal(await tab.value("document.querySelector('#newer button').hidden"), true);
      // Now nothing is chosen: the next one takes its place at once.
      page.api.arrive("bob", "New 4");
      await tab.until("document.getElementById('posts').innerText.includes('New 4')");
    });

    await t.step("Screens do not grow: the last of a screen leads to the next one", async () => {
      await go(tab, "/");
      const count = "document.querySelectorAll('#posts .post').length";
      assert.equal(await tab.value(count), 40);
      await tab.value("[...document.querySelectorAll('.post')].at(-1).focus()");
      await tab.press("j");
      await tab.until("location.search.startsWith('?before=')");
      await tab.ready();
      assert.equal(await tab.value(count), 40);
    });

    await t.step("What is written outlives a reload, and is gone once posted", async () => {
      await go(tab, "/");
      await tab.press("n");
      await tab.type("Two lines,\nand <b>more</b>");
      await tab.until("document.getElementById('compose-state').innerText === 'Draft saved'");
      assert.equal(
        await tab.value("document.getElementById('compose-count').innerText"),
        "26 / 500",
      );
      // Until the document is another one, the old one's window is still open.
      const before = await tab.value<number>("performance.timeOrigin");
      await tab.send("Page.reload");
      await tab.until(`performance.timeOrigin !== ${before}`);
      await tab.until(
        "document.getElementById('compose')?.open && document.documentElement.dataset.ready !== undefined",
      );
      assert.equal(
        await tab.value("document.getElementById('compose-text').value"),
        "Two lines,\nand <b>more</b>",
      );
      await tab.press("Escape");
      await tab.until("!document.getElementById('compose').open");
      // The keys of the page do nothing while a field has the focus.
      await tab.until("document.activeElement?.closest('dialog') == null");
      await tab.press("n");
      await tab.until("document.activeElement?.id === 'compose-text'");
      await tab.press("Enter", { ctrl: true });
      await tab.until("document.getElementById('posts').innerText.includes('and <b>more</b>')");
      assert.equal(page.api.posts[0]?.text, "Two lines,\nand <b>more</b>");
      await tab.press("n");
      assert.equal(await tab.value("document.getElementById('compose-text').value"), "");
      await tab.press("Escape");
    });

    await t.step("Tab completes the name of a followed user", async () => {
      await go(tab, "/");
      await tab.press("n");
      await tab.type("Tea, @b");
      await tab.until("document.getElementById('compose-names').innerText === '@bob'");
      await tab.press("Tab");
      assert.equal(await tab.value("document.getElementById('compose-text').value"), "Tea, @bob ");
      await tab.value("document.getElementById('compose-text').select()");
      await tab.press("Backspace");
      await tab.press("Escape");
    });

    await t.step("A text behind a warning is shown when it is asked for", async () => {
      await go(tab, "/");
      const shown = "document.querySelector('[id=\"p-carol/197\"] .text').checkVisibility()";
      assert.equal(await tab.value(shown), false);
      await tab.value("document.getElementById('p-carol/197').focus()");
      await tab.press("v");
      await tab.until(shown);
    });

    await t.step(
      "Without scripts all can be read, and what would do nothing is not shown",
      async () => {
        const plain = await browser.tab();
        await plain.send("Emulation.setScriptExecutionDisabled", { value: true });
        const url = new URL(page.url());
        await plain.open(`${url.origin}/enter`);
        await plain.until("document.getElementById('code') !== null");
        await plain.value("document.getElementById('code').focus()");
        await plain.type(url.hash.slice(1));
        await plain.press("Enter");
        await plain.until("document.querySelectorAll('.post').length === 40");
        assert.match(await plain.value("document.body.innerText"), /Scripts are off/);
        assert.equal(
          await plain.value("document.querySelector('[data-key=reply]').checkVisibility()"),
          false,
        );
        await plain.value("document.querySelector('a[rel=next]').focus()");
        await plain.press("Enter");
        await plain.until("location.search.startsWith('?before=')");
        assert.deepEqual(plain.complaints, []);
      },
    );

    await t.step("A browser that has a session comes back to it without a code", async () => {
      const again = await browser.tab(tab.person);
      await again.open(new URL(page.url()).origin);
      await again.ready();
      await tab.send("Page.bringToFront");
    });

    await t.step("Nothing shifts while a screen is drawn, and it is small", async () => {
      await go(tab, "/");
      await tab.value(
        `new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 100)))`,
      );
      const { shift, bytes } = await tab.value<{ shift: number; bytes: number }>(`(() => {
        const shifts = new PerformanceObserver(() => {});
        shifts.observe({ type: "layout-shift", buffered: true });
        const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
        return {
          shift: shifts.takeRecords().reduce((sum, { value }) => sum + value, 0),
          bytes: all.reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0),
        };
      })()`);
      assert.equal(shift, 0);
      assert.ok(bytes > 20_000 && bytes < 120_000, `${bytes} bytes`);
    });

    await t.step("A page whose peer has gone says so", async () => {
      await page.server.close();
      await tab.until("document.getElementById('state').innerText.includes('camellia web')");
      await tab.press("n");
      await tab.type("kept");
      await tab.press("Enter", { ctrl: true });
      await tab.until("document.getElementById('said').innerText.includes('is kept')");
      assert.equal(await tab.value("document.getElementById('compose-text').value"), "kept");
    });

    await t.step("What was written is there at the next start, and is posted once", async () => {
      const text = "document.getElementById('compose-text').value";
      // What the browser itself has at this origin; a peer that starts again has another one.
      await tab.value("localStorage.clear()");
      await page.drafts.write("draft-alice", new TextEncoder().encode("half a thought"));
      await using again = await servePage(page.api, page.drafts);
      await tab.enter(again.url());
      await tab.press("n");
      await tab.until(`${text} === 'half a thought'`);
      // The peer takes it, and the answer is lost.
      await tab.value("globalThis.lost = 0");
      await tab.value(`globalThis.fetch = ((real) => async (...asked) => {
        const answer = await real(...asked);
        if (String(asked[0]).endsWith("/do/post") && lost++ === 0) throw new TypeError("lost");
        return answer;
      })(globalThis.fetch)`);
      await tab.press("Enter", { ctrl: true });
      await tab.until("document.getElementById('said').innerText.includes('is kept')");
      assert.equal(await tab.value(text), "half a thought");
      await tab.press("Enter", { ctrl: true });
      await tab.until("document.getElementById('said').innerText.includes('It was posted')");
      const posted = page.api.posts.filter((post) => post.text === "half a thought");
      assert.equal(posted.length, 1);
      await tab.press("n");
      assert.equal(await tab.value(text), "");
    });
    assert.deepEqual(tab.complaints, []);
  },
});

/** Has a user's running peer turn the page on; its address. */
async function pageOf(user: User): Promise<string> {
  const { network } = user;
  const web = network.start([...network.flags(user.data), "--json", "web", "--no-open"]);
  const { url } = await web.ready() as unknown as { url: string };
  return url;
}

Deno.test({
  name: `In Chromium two people talk: a post, a mention, a reply, a thread, as they come${where}`,
  ignore,
  async fn() {
    await using network = await Network.start();
    const [alice, bob] = await Promise.all([network.register("alice"), network.register("bob")]);
    const [browser, ...urls] = await Promise.all([openBrowser(), pageOf(alice), pageOf(bob)]);
    await using _ = browser;
    const [a, b] = await Promise.all([browser.tab(), browser.tab()]);
    await Promise.all([a.enter(urls[0] ?? ""), b.enter(urls[1] ?? "")]);
    for (const [tab, name] of [[a, "bob"], [b, "alice"]] as const) {
      await go(tab, `/profile/${name}`);
      await tab.until("document.querySelector('[data-do=follow]') !== null");
      await tab.press("f");
      await tab.until("document.querySelector('[data-do=unfollow]') !== null");
      await go(tab, "/");
    }
    await b.press("n");
    await b.type("Good morning, @alice");
    await b.press("Enter", { ctrl: true });
    await a.until("document.getElementById('posts').innerText.includes('Good morning')");
    await a.until("document.querySelector('[data-count=notifications]').innerText !== ''");
    await a.press("j");
    await a.press("r");
    await a.until("document.getElementById('compose-quote').innerText.includes('Good morning')");
    await a.type("Good morning, Bob");
    await a.press("Enter", { ctrl: true });
    await b.until("document.getElementById('posts').innerText.includes('Good morning, Bob')");
    await b.press("j");
    await b.press("Enter");
    await b.until(
      "location.pathname.includes('/thread/') && document.querySelectorAll('.post').length === 2",
    );
    await b.ready();
    // The thread that is open grows by itself, and so does a second tab.
    await a.press("r");
    await a.type("And how are you?");
    await a.press("Enter", { ctrl: true });
    await b.until("document.getElementById('posts').innerText.includes('And how are you?')");
    await go(a, "/notifications");
    assert.match(await a.value("document.getElementById('posts').innerText"), /bob\s+mentions you/);
    // The other tab of the same person learns that all was read.
    const second = await browser.tab(a.person);
    await second.open(
      new URL(await a.value<string>("document.body.dataset.base + '/'"), urls[0]).href,
    );
    await second.ready();
    await second.until("document.querySelector('[data-count=notifications]').innerText === ''");
    // The first tab listens for both; once it is closed, the second one does.
    for (const text of ["While both are open", "While one is left"]) {
      await b.press("n");
      await b.type(text);
      await b.press("Enter", { ctrl: true });
      await second.until(`document.getElementById('posts').innerText.includes('${text}')`);
      await a.open("about:blank");
    }
    assert.deepEqual([...a.complaints, ...b.complaints, ...second.complaints], []);
  },
});
