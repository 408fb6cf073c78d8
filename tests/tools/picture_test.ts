import assert from "node:assert/strict";
import { drawSession, pictureFile, sessionFile } from "../../tools/picture.ts";

Deno.test("The picture in README.md is drawn from the session beside it", async () => {
  const session = await Deno.readTextFile(sessionFile);
  assert.equal(await Deno.readTextFile(pictureFile), drawSession(session));
});

Deno.test("Colours go over line ends, markup is text, and other sequences are left out", () => {
  const picture = drawSession("\x1b[1;36ma<b\n\x1b[2Kc\x1b[0md\n\n");
  const texts = [...picture.matchAll(/<text[^>]*>(.*)<\/text>/g)].map(([, text]) => text);
  assert.deepEqual(texts, [
    '<tspan fill="#7dcfff" font-weight="bold">a&lt;b</tspan>',
    '<tspan fill="#7dcfff" font-weight="bold">c</tspan><tspan fill="#d5d9e8">d</tspan>',
  ]);
});
