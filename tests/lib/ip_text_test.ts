import assert from "node:assert/strict";
import { isIP } from "node:net";
import * as fc from "fast-check";
import { isIpText } from "../../lib/ip_text.ts";

const addresses = fc.oneof(
  fc.ipV4(),
  fc.ipV4Extended(),
  fc.ipV6(),
  fc.tuple(fc.ipV6(), fc.constantFrom("%eth0", "%2", "%", "%a b")).map((parts) => parts.join("")),
);

/** A text with one character put in, taken out or replaced. */
const damaged = fc.tuple(
  addresses,
  fc.nat(),
  fc.constantFrom("", ":", ".", "0", "f", "256", "]"),
  fc.nat(1),
)
  .map(([text, at, put, cut]) => {
    const place = at % (text.length + 1);
    return `${text.slice(0, place)}${put}${text.slice(place + cut)}`;
  });

Deno.test("A text is an IP address where node:net says so", () => {
  fc.assert(
    fc.property(fc.oneof(addresses, damaged), (text) => {
      assert.equal(isIpText(text), isIP(text) !== 0, text);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("A text that is none, or has something around it, is no IP address", () => {
  for (
    const text of [
      "",
      ":",
      ".",
      "::1]",
      "[::1]",
      " ::1",
      "1.2.3",
      "1.2.3.4.",
      "01.2.3.4",
      "::1/",
      "a:b",
      "1.2.3.256",
      "::1%",
    ]
  ) {
    assert.equal(isIpText(text), false, text);
  }
  for (
    const text of ["::", "::1", "1.2.3.4", "::ffff:1.2.3.4", "fe80::1%eth0", "255.255.255.255"]
  ) {
    assert.equal(isIpText(text), true, text);
  }
});
