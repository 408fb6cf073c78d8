import assert from "node:assert/strict";
import { codeLifeMs, Codes, codesMax, guessesMax } from "../../../ui/web/codes.ts";
import {
  cookieOf,
  idleMsMax,
  readCookie,
  Sessions,
  sessionsMax,
} from "../../../ui/web/sessions.ts";

/** A clock that a test sets, and bytes of which no two are alike. */
class World {
  ms = 0;
  #drawn = 0;
  readonly monotonic = () => this.ms;
  readonly randomBytes = (length: number) =>
    Uint8Array.from({ length }, (_, i) => i === 0 ? this.#drawn++ : i);
}

Deno.test("A code is good once", () => {
  const world = new World();
  const codes = new Codes(world, world.randomBytes);
  const code = codes.issue();
  assert.match(code, /^[A-Za-z0-9_-]{22}$/);
  assert.equal(codes.redeem(code), true);
  assert.equal(codes.redeem(code), false);
});

Deno.test("A code is good for two minutes", () => {
  const world = new World();
  const codes = new Codes(world, world.randomBytes);
  const [first, second] = [codes.issue(), codes.issue()];
  world.ms = codeLifeMs - 1;
  assert.equal(codes.redeem(first), true);
  world.ms = codeLifeMs;
  assert.equal(codes.redeem(second), false);
});

Deno.test("Codes that are open are bounded: the oldest gives way", () => {
  const world = new World();
  const codes = new Codes(world, world.randomBytes);
  const all = Array.from({ length: codesMax + 1 }, () => codes.issue());
  assert.deepEqual(all.map((code) => codes.redeem(code)), [
    false,
    ...all.slice(1).map(() => true),
  ]);
});

Deno.test("After some wrong guesses no open code is good any more, and a fresh one is", () => {
  const world = new World();
  const codes = new Codes(world, world.randomBytes);
  const code = codes.issue();
  for (let i = 0; i < guessesMax - 1; i++) assert.equal(codes.redeem(`wrong${i}`), false);
  const other = codes.issue();
  for (let i = 0; i < guessesMax - 1; i++) codes.redeem("");
  assert.equal(codes.redeem(code), true);
  codes.redeem(code);
  assert.equal(codes.redeem(other), false);
  assert.equal(codes.redeem(codes.issue()), true);
});

Deno.test("A session is found by its key and its cookie, and by nothing less", () => {
  const world = new World();
  const sessions = new Sessions(world, world.randomBytes);
  const one = sessions.begin("alice");
  const two = sessions.begin("alice");
  assert.equal(sessions.find(one.key, one.cookie), one);
  assert.equal(sessions.find(one.key, two.cookie), undefined);
  assert.equal(sessions.find(one.key, undefined), undefined);
  assert.equal(sessions.find("", undefined), undefined);
  assert.equal(sessions.find("", ""), undefined);
  assert.equal(sessions.find(two.key, two.cookie), two);
  sessions.end(two);
  assert.equal(sessions.find(two.key, two.cookie), undefined);
});

Deno.test("A session that is not used ends after a day", () => {
  const world = new World();
  const sessions = new Sessions(world, world.randomBytes);
  const session = sessions.begin("alice");
  world.ms = idleMsMax - 1;
  assert.equal(sessions.find(session.key, session.cookie), session);
  world.ms = 2 * idleMsMax - 2;
  assert.equal(sessions.find(session.key, session.cookie), session);
  world.ms += idleMsMax;
  assert.equal(sessions.find(session.key, session.cookie), undefined);
  assert.equal(sessions.size, 0);
});

Deno.test("Sessions are bounded: the one that was used least recently ends", () => {
  const world = new World();
  const sessions = new Sessions(world, world.randomBytes);
  const all = Array.from({ length: sessionsMax }, () => sessions.begin("alice"));
  const [first, second] = all;
  assert.ok(first !== undefined && second !== undefined);
  sessions.find(first.key, first.cookie);
  sessions.begin("alice");
  assert.equal(sessions.size, sessionsMax);
  assert.equal(sessions.find(second.key, second.cookie), undefined);
  assert.equal(sessions.find(first.key, first.cookie), first);
});

Deno.test("The cookie is for this browser's requests to this session's paths alone", () => {
  const world = new World();
  const session = new Sessions(world, world.randomBytes).begin("alice");
  const header = cookieOf(session);
  assert.equal(
    header,
    `camellia=${session.cookie}; Path=/${session.key}; HttpOnly; SameSite=Strict`,
  );
  assert.equal(readCookie(`other=1; camellia=${session.cookie}`), session.cookie);
  assert.equal(readCookie(`camellia=a; camellia=${session.cookie}`), undefined);
  assert.equal(readCookie("xcamellia=a"), undefined);
  assert.equal(readCookie(undefined), undefined);
});
