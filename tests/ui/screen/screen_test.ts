/** The screen on a terminal in memory: what it writes, and how it leaves the terminal. */

import assert from "node:assert/strict";
import type { Context } from "../../../ui/peer/host.ts";
import { Output } from "../../../ui/output/output.ts";
import { showScreen } from "../../../ui/screen/screen.ts";
import type { RawTerminal, TerminalHandlers } from "../../../ui/terminal/raw_terminal.ts";
import { terminalPrompts } from "../../../ui/prompts/prompts.ts";
import { FakeHost, FakeIo } from "../fake_io.ts";
import { FakePeer } from "../fake_peer.ts";
import { postAt, TimelinePeer } from "../views/world.ts";

/** A terminal whose writes can be held up. */
class MemoryTerminal implements RawTerminal {
  written = "";
  writes = 0;
  openings = 0;
  handlers: TerminalHandlers | undefined;
  gate: Promise<void> = Promise.resolve();
  /** What an editor leaves, and its exit code. */
  edits: () => Promise<number | undefined> = () => Promise.resolve(undefined);
  readonly ran: string[] = [];

  open(handlers: TerminalHandlers): void {
    this.handlers = handlers;
    this.openings++;
  }

  close(): void {
    this.handlers = undefined;
  }

  async write(text: string): Promise<void> {
    this.writes++;
    await this.gate;
    this.written += text;
  }

  writeNow(text: string): void {
    this.written += text;
  }

  size(): { columns: number; rows: number } {
    return { columns: 80, rows: 24 };
  }

  run(program: string, args: readonly string[]): Promise<number | undefined> {
    this.ran.push([program, ...args].join(" "));
    return this.edits();
  }
}

interface Opened {
  readonly peer: TimelinePeer;
  readonly terminal: MemoryTerminal;
  readonly host: FakeHost;
  readonly io: FakeIo;
  readonly left: ReturnType<typeof showScreen>;
  readonly controller: AbortController;
  /** Types keys. */
  press(keys: string): void;
  /** Waits until something holds. */
  until(holds: () => boolean): Promise<void>;
}

/** The screen of mia, who has some posts. */
function open(isOwn = false): Opened {
  const peer = new TimelinePeer();
  peer.user = FakePeer.view("mia");
  for (const second of [1, 2, 3]) peer.store(postAt(second));
  const terminal = new MemoryTerminal();
  const io = new FakeIo();
  const host = new FakeHost(io);
  const controller = new AbortController();
  const output = new Output(io, { logLevel: "warn" });
  const context: Context = {
    ...{ io, host, output, signal: controller.signal, dataFolder: "/data" },
    flags: { logLevel: "warn" },
    prompts: terminalPrompts(),
  };
  const access = {
    api: peer,
    own: isOwn,
    ended: new Promise<void>(() => {}),
    subscribe: (listener: Parameters<TimelinePeer["subscribe"]>[0]) =>
      Promise.resolve(peer.subscribe(listener)),
  };
  const left = showScreen({ context, access, terminal, self: "mia" });
  return {
    ...{ peer, terminal, host, io, left, controller },
    press: (keys) => terminal.handlers?.onData(keys),
    async until(holds) {
      const giveUpAt = performance.now() + 20_000;
      while (!holds()) {
        if (performance.now() > giveUpAt) throw new Error(`not seen: ${terminal.written}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}

/** The terminal is as it was before the screen: its first screen, with a cursor, without mouse and marks of pastes. */
function assertRestored({ written, handlers }: MemoryTerminal): void {
  assert.equal(handlers, undefined);
  for (
    const [mode, isOn] of [
      [1049, false],
      [1000, false],
      [1006, false],
      [2004, false],
      [2026, false],
      [7, true],
      [25, true],
    ]
  ) {
    // deno-lint-ignore no-control-regex
    const last = [...written.matchAll(/\x1b\[\?(\d+)([hl])/g)].findLast(([, number]) =>
      Number(number) === mode
    );
    if (last !== undefined) assert.equal(last[2], isOn ? "h" : "l", `mode ${mode}`);
  }
}

Deno.test("The screen takes the terminal, and gives it back at a key", async () => {
  const { terminal, press, until, left } = open();
  await until(() => terminal.written.includes("bob at 3"));
  // deno-lint-ignore no-control-regex
  assert.match(terminal.written, /\x1b\[\?1049h[^]*\x1b\[\?2004h/);
  press("q");
  assert.deepEqual(await left, { why: "quit" });
  assertRestored(terminal);
});

Deno.test("A signal gives the terminal back", async () => {
  const { terminal, until, left, controller } = open();
  await until(() => terminal.written.includes("bob at 3"));
  controller.abort();
  await left;
  assertRestored(terminal);
});

Deno.test("A mistake in the drawing gives the terminal back, and is told where the screen was opened", async () => {
  const { terminal, peer, press, until, left } = open();
  await until(() => terminal.written.includes("bob at 3"));
  peer.timeline = () =>
    Promise.resolve({ posts: [{ ...postAt(9), text: null as unknown as string }] });
  press("g");
  await assert.rejects(left, TypeError);
  assertRestored(terminal);
});

Deno.test("Ctrl+Z stops the processes of the terminal while it is as it was, and the screen is there again", async () => {
  const { terminal, host, press, until, left } = open();
  await until(() => terminal.written.includes("bob at 3"));
  let stopped = "";
  host.tool = (call) => {
    if (!call.startsWith("kill")) return undefined;
    stopped = call;
    assertRestored(terminal);
    terminal.written = "";
    return { code: 0, printed: "" };
  };
  press("\x1a");
  await until(() => terminal.openings === 2 && terminal.written.includes("bob at 3"));
  assert.equal(stopped, "kill -TSTP 0");
  press("q");
  await left;
});

Deno.test("The editor gets the text in a file of the owner's, on a restored terminal; the file goes", async () => {
  const { terminal, io, press, until, left } = open();
  await until(() => terminal.written.includes("bob at 3"));
  io.variables["EDITOR"] = "nano -w";
  terminal.edits = () => {
    assertRestored(terminal);
    io.files.set("/data/post.txt", new TextEncoder().encode("written elsewhere\n"));
    return Promise.resolve(0);
  };
  press("n");
  await until(() => terminal.written.includes("New post"));
  press("\x05");
  await until(() => terminal.written.includes("written elsewhere"));
  assert.deepEqual(terminal.ran, ["nano -w /data/post.txt"]);
  assert.ok(!io.files.has("/data/post.txt"));
  terminal.edits = () => Promise.resolve(undefined);
  press("\x05");
  await until(() => terminal.written.includes("Cannot start nano"));
  press("\x03");
  press("q");
  await left;
});

Deno.test("A slow terminal is never more than one frame behind, and then shows what is now", async () => {
  const { terminal, peer, press, until, left } = open();
  await until(() => terminal.written.includes("bob at 3"));
  const { promise, resolve } = Promise.withResolvers<void>();
  terminal.gate = promise;
  const before = terminal.writes;
  for (let second = 10; second < 60; second++) {
    peer.come(postAt(second));
    press(second % 2 === 0 ? "j" : "k");
  }
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.ok(terminal.writes - before <= 1, `${terminal.writes - before} writes`);
  // Fifty keys and as many posts come to one frame, not to a queue of them.
  const { length } = terminal.written;
  resolve();
  await until(() => terminal.writes - before >= 2 && terminal.written.length > length);
  assert.ok(terminal.written.length - length < 8_000, `${terminal.written.length - length} units`);
  terminal.gate = Promise.resolve();
  press("g");
  await until(() => terminal.written.includes("bob at 59"));
  press("q");
  await left;
});

Deno.test("What the log says while the screen is open stands at its foot", async () => {
  const { terminal, io, press, until, left } = open();
  await until(() => terminal.written.includes("bob at 3"));
  for (const fn of [...io.unexpected]) fn(new Error("x"));
  assert.equal(io.stderr, "");
  press("q");
  await left;
});

Deno.test("The process of a peer is not stopped, and starts no editor", async () => {
  const { terminal, host, press, until, left } = open(true);
  await until(() => terminal.written.includes("bob at 3"));
  press("\x1a");
  await until(() => terminal.written.includes("The screen cannot stop"));
  press("n");
  await until(() => terminal.written.includes("New post"));
  press("\x05");
  await until(() => terminal.written.includes("No editor can be started"));
  assert.deepEqual([...host.called, ...terminal.ran], []);
  press("\x03");
  press("q");
  await left;
});
