import assert from "node:assert/strict";
import type { PostView } from "../../../core/api.ts";
import { spansOf } from "../../../ui/views/spans.ts";
import { Desk } from "../../../ui/views/desk.ts";
import { lineHtml, nameHtml, spansHtml, textHtml } from "../../../ui/web/text_html.ts";
import { asMarkup, markup } from "../../../ui/web/markup.ts";
import { postHtml } from "../../../ui/web/post_html.ts";
import { readText } from "../../docs/repository.ts";
import { walk } from "../../walk.ts";
import { hostileTexts } from "./hostile.ts";

const places = { base: "/key" };

const desk = new Desk({
  api: {} as never,
  time: { now: () => 0, monotonic: () => 0, after: () => ({ cancel() {} }) },
  self: "alice",
  onChange() {},
  onCounts() {},
});

const reader = {
  ...places,
  known: desk.known({ isRevealed: () => true }),
  offers: (name: string) => desk.relations.offers(name),
};

const allowedElements = new Set([
  ...["a", "article", "bdi", "button", "details", "div", "footer", "header", "p", "q", "span"],
  ...["summary", "time"],
]);
const allowedAttributes = new Set([
  ...[
    "aria-haspopup",
    "aria-label",
    "class",
    "data-key",
    "data-offers",
    "data-post",
    "data-shown",
    "datetime",
  ],
  ...["dir", "href", "id", "rel", "tabindex", "target", "title"],
]);

/** Throws unless that is HTML of no other elements, attributes and addresses than the page makes itself. */
function assertTame(text: string): void {
  const tags = /<(\/?)([a-z]+)((?:\s+[a-z-]+="[^"<>]*")*)\s*>/g;
  for (const [, , element = "", attributes = ""] of text.matchAll(tags)) {
    assert.ok(allowedElements.has(element), `${element} in ${text}`);
    for (const [, name = "", value = ""] of attributes.matchAll(/\s([a-z-]+)="([^"]*)"/g)) {
      assert.ok(allowedAttributes.has(name), `${name} in ${text}`);
      if (name === "href") assert.match(value, /^(\/key\/|https?:\/\/)/, text);
    }
  }
  // What is no tag of the page has neither an angle bracket nor a quote.
  assert.match(text.replaceAll(tags, ""), /^[^<>"']*$/, text);
}

Deno.test("200 hostile texts are text, wherever they stand", () => {
  assert.ok(hostileTexts.length >= 200, String(hostileTexts.length));
  for (const text of hostileTexts) {
    const post: PostView = {
      ...{ id: text, author: text, text, warning: text, created_at: text },
      reply_to: { author: text, id: text },
      clash: { pinned: text, other: text },
    };
    const { warning: _, ...original } = post;
    const repost: PostView = {
      ...post,
      text: "",
      repost_of: { ...original, fingerprint: text, verified: false },
    };
    desk.learnName(text, text);
    desk.quote([post]);
    assertTame(String(textHtml(text, places)));
    assertTame(String(lineHtml(text)));
    assertTame(String(spansHtml(spansOf(text), places)));
    assertTame(String(nameHtml(text, places, text)));
    assertTame(String(postHtml(post, reader)));
    assertTame(String(postHtml(repost, reader, { depth: 3, isFocus: true })));
  }
});

Deno.test("The judge of tame HTML would see what is not", () => {
  for (
    const text of [
      "<script>x</script>",
      '<img src="x">',
      '<a href="javascript:x">x</a>',
      '<a href="//evil.example">x</a>',
      '<p onclick="x">x</p>',
      "<p class=x>x</p>",
      '<p title="a"b">x</p>',
    ]
  ) assert.throws(() => assertTame(text), assert.AssertionError, text);
});

Deno.test("Links lead where they say, tell nothing of the page, and cannot reach back", () => {
  assert.equal(
    String(textHtml("see https://example.org/a?b=1&c=2.", places)),
    '<bdi>see <a class="out" href="https://example.org/a?b=1&amp;c=2" ' +
      'rel="noopener noreferrer nofollow" target="_blank">https://example.org/a?b=1&amp;c=2</a>.</bdi>',
  );
  assert.equal(
    String(textHtml("@bob_1 #Tee", places)),
    '<bdi><a class="at" href="/key/profile/bob_1">@bob_1</a> ' +
      '<a class="tag" href="/key/search?q=%23Tee">#Tee</a></bdi>',
  );
});

Deno.test("Text keeps its lines, its direction to itself, and nothing that hides", () => {
  assert.equal(String(textHtml("a\nb \u202ec", places)), "<bdi>a\nb c</bdi>");
});

Deno.test("In the sources of the page every attribute with a value stands in quotes, and little is not escaped", async () => {
  for await (const path of walk(["ui/web"], ".ts")) {
    const source = await readText(path);
    assert.ok(!/\s[a-z-]+='?\$\{/.test(source), path);
    for (const [, argument = ""] of source.matchAll(/\basMarkup\(([^)]*)\)/g)) {
      const isOwn = /^(source: string|name|"[^"]*"|'[^']*')$/.test(argument);
      assert.ok(isOwn, `${path}: ${argument}`);
    }
    if (path !== "ui/web/markup.ts") assert.ok(!source.includes("hono/html"), path);
  }
  assert.equal(
    String(markup`<b title="${'"'}">${"<"}${asMarkup("<i>")}</b>`),
    '<b title="&quot;">&lt;<i></b>',
  );
});
