import assert from "node:assert/strict";
import { type AnyKind, kindNamed, messageKinds } from "../../../core/messages/kinds/mod.ts";
import { messageBytesMax } from "../../../core/messages/frame.ts";

Deno.test("Every kind has a name of its own that fits on the wire", () => {
  const names = messageKinds.map(({ kind }) => kind);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z_]{1,16}$/);
});

Deno.test("A kind is found by its name, and by nothing else", () => {
  for (const declaration of messageKinds as readonly AnyKind[]) {
    assert.equal(kindNamed(declaration.kind), declaration);
  }
  for (const name of ["poke", "toString", "__proto__", ""]) {
    assert.equal(kindNamed(name), undefined);
  }
});

Deno.test("No kind may be larger than a frame or nested deeper than is needed", () => {
  for (const { kind, limits } of messageKinds as readonly AnyKind[]) {
    assert.ok(limits.maxBytes <= messageBytesMax, kind);
    assert.ok((limits.maxDepth ?? 16) <= 5, kind);
  }
});
