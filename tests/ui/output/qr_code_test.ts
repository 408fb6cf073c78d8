/** The QR code that `camellia invite --qr` shows, read again by another library than the one that draws it. */

import assert from "node:assert/strict";
import jsqr from "jsqr";
import { type Invite, writeInvite } from "../../../core/model/invite.ts";
import { qrCode } from "../../../ui/output/invite_text.ts";

/** Pixels a module's side: readers want more than one. */
const scale = 4;

/** What a camera sees of text in half blocks: each character is two modules, one above the other; full ones are light. */
function photograph(text: string): { pixels: Uint8ClampedArray; width: number; height: number } {
  const lines = text.trimEnd().split("\n").map((line) => [...line]);
  const columns = Math.max(...lines.map((line) => line.length));
  const isLight = (x: number, y: number): boolean => {
    const character = lines[y >> 1]?.[x] ?? " ";
    return character === "█" || character === (y % 2 === 0 ? "▀" : "▄");
  };
  const width = columns * scale;
  const height = lines.length * 2 * scale;
  const pixels = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const level = isLight(Math.floor(x / scale), Math.floor(y / scale)) ? 255 : 0;
      pixels.fill(level, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  return { pixels, width, height };
}

async function readAgain(text: string): Promise<string | undefined> {
  const code = await qrCode(text);
  assert.match(code, /^[█▀▄ \n]+$/);
  const { pixels, width, height } = photograph(code);
  // Its types describe a module of ECMAScript, and it is one of CommonJS.
  return jsqr.default(pixels, width, height, { inversionAttempts: "dontInvert" })?.data;
}

const node = (n: number) => ({ ip: `31.1.7.${n}`, port: 8000 });

Deno.test("The QR code of an invite is read again as the invite, light on dark", async () => {
  const invite: Invite = {
    inviter: { username: "a_long_name_of_a_user", key: new Uint8Array(32).fill(170) },
    nodes: [1, 2, 3, 4, 5, 6, 7, 8].map(node),
    token: new Uint8Array(16).fill(85),
    expires: 1_800_000_000_000,
  };
  for (const text of [writeInvite(invite), "camellia:x", "x".repeat(300)]) {
    assert.equal(await readAgain(text), text);
  }
});
