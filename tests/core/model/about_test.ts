import assert from "node:assert/strict";
import { type About, checkAbout, readAbout, writeAbout } from "../../../core/model/about.ts";
import { DecodeError } from "../../../lib/msgpack.ts";

Deno.test("What a user says is read as it was written; what is not known says nothing", () => {
  const texts: About[] = [
    { updatedAt: 5 },
    { updatedAt: 5, name: "Alice ✿" },
    { updatedAt: 5, name: "🌸".repeat(50), about: "🌸".repeat(160), link: "https://example.org/" },
  ];
  for (const about of texts) assert.deepEqual(readAbout(writeAbout(about)), about);
  assert.deepEqual(readAbout(writeAbout({ updatedAt: 5, name: "", link: "" })), { updatedAt: 5 });
  const later = writeAbout({ updatedAt: 5, name: "A" }).set("pronouns", "she");
  assert.deepEqual(readAbout(later), { updatedAt: 5, name: "A" });
});

Deno.test("Texts of strangers that are too long or no texts are refused", () => {
  const wrong: [string, unknown][] = [
    ["name", "x".repeat(51)],
    ["name", ""],
    ["name", 5],
    ["about", "x".repeat(161)],
    ["link", "x".repeat(101)],
    ["at", -1],
    ["at", "soon"],
  ];
  for (const [part, value] of wrong) {
    const map = new Map<string, unknown>([["at", 1], [part, value]]);
    assert.throws(() => readAbout(map), DecodeError, `${part} ${value}`);
  }
  assert.throws(() => readAbout(new Map()), DecodeError);
});

Deno.test("What a user wants to say is checked, and told what is wrong with it", () => {
  checkAbout({});
  checkAbout({ name: "", about: "", link: "" });
  checkAbout({ name: "Alice", about: "two\nlines", link: "http://example.org/~alice?x=1" });
  const wrong: [Parameters<typeof checkAbout>[0], RegExp][] = [
    [{ name: "x".repeat(51) }, /the name has 51 characters; at most 50/],
    [{ about: "x".repeat(161) }, /the about has 161/],
    [{ name: "a\nb" }, /the name is not one line/],
    [{ name: "\ud800" }, /not valid Unicode/],
    [{ link: "example.org" }, /begins with https/],
    [{ link: "javascript:alert(1)" }, /begins with https/],
    [{ link: "https://a b" }, /begins with https/],
    [{ link: "https://" }, /begins with https/],
  ];
  for (const [parts, why] of wrong) assert.throws(() => checkAbout(parts), why);
});
