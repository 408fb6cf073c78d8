import assert from "node:assert/strict";
import fc from "fast-check";
import { CamelliaError } from "../../core/model/errors.ts";
import { utf8 } from "../../core/model/bytes.ts";
import { parseConfig } from "../../ui/settings/config.ts";

const runs = { seed: 20_260_101, numRuns: 3000 };

/** No exception but the one with a line; nothing takes long. */
function survives(bytes: Uint8Array): void {
  const startMs = performance.now();
  try {
    parseConfig(bytes, "fuzz.ini");
  } catch (error) {
    assert.ok(error instanceof CamelliaError, String(error));
    assert.equal(error.code, "invalid_config");
    assert.match(error.message, /^Cannot use fuzz\.ini: line [0-9]+: /);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(error.message, /[\x00-\x1f\x7f]/);
  }
  // A bound on the algorithm, not on the machine: quadratic work on 64 KiB would take seconds.
  assert.ok(performance.now() - startMs < 1000);
}

Deno.test("config.ini: arbitrary bytes end in a value or an error with a line", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), survives), runs);
});

Deno.test("config.ini: mutations of the shipped file end in a value or an error with a line", async () => {
  const shipped = await Deno.readFile(new URL("../../config.ini", import.meta.url));
  const change = fc.tuple(fc.nat(shipped.length - 1), fc.nat(255), fc.nat(20));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      let bytes = shipped;
      for (const [at, byte, cut] of changes) {
        bytes = Uint8Array.of(...bytes.subarray(0, at), byte, ...bytes.subarray(at + cut));
      }
      survives(bytes);
    }),
    { ...runs, numRuns: 500 },
  );
});

Deno.test("config.ini: lines made of INI's own pieces end in a value or an error with a line", () => {
  const piece = fc.constantFrom(
    "[",
    "]",
    "=",
    ";",
    "#",
    "\\",
    '"',
    "'",
    "\n",
    "\r",
    " ",
    "DEFAULT",
    "BOOTSTRAP",
    "NODES",
    "PORT",
    "IP",
    "DAYS",
    "MESSAGE_LIFESPAN",
    "__proto__",
    "constructor",
    "[]",
    ".",
    ":",
    ",",
    "0",
    "99999999999",
    "null",
    "true",
    "\u0000",
    "\u202e",
    "é",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => survives(utf8(pieces.join("")))),
    runs,
  );
});

Deno.test("config.ini: the longest file of the worst lines is read quickly", () => {
  for (const line of ["[DEFAULT]\n", "; x\n", `${"[".repeat(4000)}\n`, '"'.repeat(4000), "=\n"]) {
    survives(utf8(line.repeat(Math.floor(65_536 / line.length))));
  }
});
