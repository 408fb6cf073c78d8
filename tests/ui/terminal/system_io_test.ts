import assert from "node:assert/strict";
import { delay } from "../../../lib/waiting.ts";
import { withSpinner } from "../../../ui/terminal/spinner.ts";
import { SystemIo } from "../../../ui/terminal/system_io.ts";
import { FakeIo } from "../fake_io.ts";

Deno.test("Files are read up to a bound, and a missing one is no error", async () => {
  const io = new SystemIo();
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, new Uint8Array(10).fill(1), { mode: 0o600 });
    assert.equal((await io.readFile(path, 100))?.length, 10);
    assert.equal((await io.readFile(path, 4))?.length, 5);
    assert.equal(await io.readFile(`${path}.not`, 4), undefined);
    await assert.rejects(io.readFile(`${path}/below`, 4));
    if (Deno.build.os !== "windows") {
      await Deno.chmod(path, 0o600);
      assert.equal(await io.readableByOthers(path), false);
      await Deno.chmod(path, 0o640);
      assert.equal(await io.readableByOthers(path), true);
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("The size of no terminal, or a size that cannot be, is 80 by 24", () => {
  const sizeOf = (columns: number, rows: number) => new SystemIo(() => ({ columns, rows })).size();
  const usual = { columns: 80, rows: 24 };
  assert.deepEqual(sizeOf(20, 1), { columns: 20, rows: 1 });
  assert.deepEqual(sizeOf(19, 50), usual);
  assert.deepEqual(sizeOf(120, 0), usual);
  const none = () => {
    throw new Error("no terminal");
  };
  assert.deepEqual(new SystemIo(none).size(), usual);
});

Deno.test("Colours are for terminals that want them", () => {
  const io = new SystemIo();
  const { columns, rows } = io.size();
  assert.ok(columns >= 20 && rows >= 1);
  if (!io.terminal.output) assert.equal(io.colours("output"), false);
  assert.equal(io.env("CAMELLIA_NOT_SET_ANYWHERE"), undefined);
  assert.ok(Math.abs(io.now() - Date.now()) < 1000);
});

Deno.test("Interruptions are listened to and let go of", () => {
  const io = new SystemIo();
  const release = io.onInterrupt(() => {});
  release();
});

Deno.test("A delay by the system's clock ends early when it is aborted", async () => {
  const io = new SystemIo();
  const startMs = io.monotonic();
  await delay(io, 1);
  assert.ok(io.monotonic() > startMs);
  const controller = new AbortController();
  const sleeping = delay(io, 60_000, controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(sleeping, /enough/);
  await assert.rejects(delay(io, 60_000, controller.signal), /enough/);
});

Deno.test("A spinner shows for what takes long, on a terminal, and leaves nothing", async () => {
  const io = new FakeIo();
  const slow = Promise.withResolvers<number>();
  let fire = () => {};
  io.after = (_ms, fn) => {
    fire = fn;
    return { cancel: () => fire = () => {} };
  };
  io.terminal.error = true;
  const spinning = withSpinner(io, "Working", slow.promise);
  assert.equal(io.stderr, "");
  fire();
  fire();
  assert.match(io.stderr, /Working.*Working/s);
  slow.resolve(7);
  assert.equal(await spinning, 7);
  assert.ok(io.stderr.endsWith("\r\x1b[2K"));
  assert.equal(await withSpinner(new FakeIo(), "Working", Promise.resolve(8)), 8);
});
