import assert from "node:assert/strict";
import { CamelliaError } from "../../../core/model/errors.ts";
import { failureOf, Interruption, isInterruption } from "../../../ui/output/failure.ts";
import { Output } from "../../../ui/output/output.ts";
import { FakeIo, Machine } from "../fake_io.ts";

Deno.test("Lines beyond the bound are dropped while the reader is slow, and the others come in order", async () => {
  const io = new FakeIo();
  const gate = Promise.withResolvers<void>();
  const written: string[] = [];
  io.out = async (text) => {
    await gate.promise;
    written.push(text);
  };
  const output = new Output(io, { json: true, logLevel: "warn" });
  const lines = Array.from({ length: 12_000 }, (_, i) => output.line({ i }, () => ""));
  gate.resolve();
  await Promise.all(lines);
  assert.equal(written.length, 10_000);
  assert.deepEqual(written.slice(0, 2), ['{"i":0}\n', '{"i":1}\n']);
});

Deno.test("A long-running command ends cleanly when the reader of its output is gone", async () => {
  const m = new Machine();
  const { io, ended } = m.start("node", "--json");
  io.out = () => Promise.reject(new Deno.errors.BrokenPipe("the reader is gone"));
  assert.equal(await ended, 0);
  assert.ok(m.host.started[0]?.peer.stopped);
  assert.equal(m.host.locked.size, 0);
});

Deno.test("The log says what its level asks for, without escapes, as text or JSON", () => {
  const io = new FakeIo();
  const text = new Output(io, { json: false, logLevel: "warn" });
  text.log("info", "too much detail");
  text.log("warn", "careful\x1b[31m");
  text.log("error", "broken");
  assert.equal(io.stderr, "warn: careful\nerror: broken\n");
  const json = new Output(io, { json: true, logLevel: "debug" });
  json.log("debug", "detail");
  assert.match(io.stderr, /\{"log":\{"level":"debug","message":"detail"\}\}\n$/);
});

Deno.test("On a terminal errors are broken between words", async () => {
  const io = new FakeIo();
  io.terminal.error = true;
  const output = new Output(io, { json: false, logLevel: "warn" });
  await output.failure(new CamelliaError("disk_full", "many words ".repeat(20)));
  const lines = io.stderr.trimEnd().split("\n");
  assert.ok(lines.length > 2);
  for (const line of lines) assert.ok(line.length < 80 && /(?:many|words)$/.test(line));
});

Deno.test("Rejections that no code handles are told, and the command goes on", async () => {
  const m = await Machine.withAlice();
  m.host.prepare = (peer) => {
    peer.status = ((status) => () => {
      for (const fn of [...m.io.unexpected]) fn(new TypeError("boom"));
      return status.call(peer);
    })(peer.status);
  };
  const { code, err } = await m.run("status");
  assert.equal(code, 0);
  assert.match(err, /error: This should not have happened: TypeError: boom/);
  assert.equal(m.io.unexpected.size, 0);
});

Deno.test("Whatever an abort is called, it is an interruption", () => {
  assert.ok(isInterruption(new Interruption("SIGINT")));
  assert.ok(isInterruption(new DOMException("stop", "AbortError")));
  assert.ok(!isInterruption(new CamelliaError("disk_full", "x")));
  assert.ok(!isInterruption("AbortError"));
  assert.equal(failureOf(new DOMException("stop", "AbortError")).code, "interrupted");
  assert.equal(failureOf("text").code, "internal");
});
