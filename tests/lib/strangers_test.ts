import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { Strangers } from "../../lib/strangers.ts";

/** A connection that tells when it is closed. */
class Connection extends EventEmitter {
  isOpen = true;

  destroy(): void {
    this.isOpen = false;
    this.emit("close");
  }
}

Deno.test("Of too many strangers the oldest is closed, and none that is known", () => {
  const strangers = new Strangers<Connection>(2);
  const all = Array.from({ length: 6 }, () => new Connection());
  const open = () => all.map(({ isOpen }) => isOpen);
  const [first, second, third, fourth, ...rest] = all;
  assert.ok(first && second && third && fourth);
  strangers.greet(first);
  strangers.greet(second);
  strangers.know(first);
  strangers.greet(third);
  assert.ok(open().every((isOpen) => isOpen));
  strangers.greet(fourth);
  assert.deepEqual(open(), [true, false, true, true, true, true]);
  // One that has closed by itself leaves its place to another.
  third.destroy();
  strangers.greet(rest[0] ?? first);
  assert.equal(fourth.isOpen, true);
  strangers.close();
  assert.deepEqual(open(), [true, false, false, false, false, true]);
});
