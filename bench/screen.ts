/**
 * Measures the full screen in a real terminal (of `script`, of util-linux), attached to a peer with many posts:
 * the first paint, a key to its repaint, a post to the screen, bytes written, memory.
 *
 *     deno task bench screen [--posts=100000] [--keys=400] [--live=60]
 *
 * Prints one JSON line a figure.
 *
 * @module
 */

import type { LoopbackClient } from "../ui/peer/loopback_client.ts";
import { Network, password, program, type User } from "../tests/e2e/harness.ts";
import { option, sleep } from "./delivery/measure.ts";
import { clientOf, fill } from "./many_posts.ts";
import { report, summary } from "./report.ts";

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The program in a terminal of 80 columns and 24 rows. */
class Terminal {
  /** Bytes that it has written. */
  bytes = 0;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #text = "";
  #changed = Promise.withResolvers<void>();

  constructor(user: User, ...args: readonly string[]) {
    const words = [Deno.execPath(), ...program, "--data", user.data, ...args].map(quote).join(" ");
    this.#child = new Deno.Command("script", {
      args: ["-qfec", `stty rows 24 columns 80; exec ${words}`, "/dev/null"],
      env: { TERM: "xterm-256color", CAMELLIA_PASSWORD: password },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stdout) {
      this.bytes += bytes.length;
      this.#text += decoder.decode(bytes, { stream: true });
      const { resolve } = this.#changed;
      this.#changed = Promise.withResolvers();
      resolve();
    }
  }

  /** Forgets what it has shown. */
  forget(): void {
    this.#text = "";
  }

  /** Sends keys. */
  async press(keys: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(keys));
  }

  /** Waits until it has shown something since {@linkcode forget}. */
  async shows(text: string): Promise<void> {
    const giveUpAt = performance.now() + 60_000;
    while (!this.#text.includes(text)) {
      if (performance.now() > giveUpAt) throw new Error(`${text} is not shown: ${this.#text}`);
      await Promise.race([this.#changed.promise, sleep(1_000)]);
    }
  }

  /** Memory of the program, in MB. */
  async memoryMB(): Promise<number> {
    const { pid } = this.#child;
    const [child = ""] = (await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`)).trim()
      .split(" ");
    const status = await Deno.readTextFile(`/proc/${child}/status`);
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1000;
  }

  /** Ends the program with a key. */
  async end(key: string): Promise<void> {
    await this.press(key);
    await this.#child.status;
    await this.#writer.close().catch(() => {});
    await this.#reading;
  }
}

/** What ends each frame: synchronised output is over. */
const frameEnd = "\x1b[?2026l";

async function firstPaints(user: User, times: number): Promise<void> {
  const all: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    const terminal = new Terminal(user, "tui");
    await terminal.shows("Post ");
    all.push(performance.now() - start);
    await terminal.shows("peers");
    await terminal.end("q");
  }
  report("tui to first paint, ms", summary(all));
}

async function keys(terminal: Terminal, count: number): Promise<void> {
  const kinds: Record<string, readonly string[]> = {
    "j and k": ["j", "j", "j", "k"],
    "pages": [" ", " ", "\x1b[5~"],
    "n and Esc": ["n", "\x1b"],
  };
  for (const [kind, sequence] of Object.entries(kinds)) {
    const all: number[] = [];
    for (let i = 0; i < count / 3; i++) {
      await sleep(40);
      terminal.forget();
      const start = performance.now();
      await terminal.press(sequence[i % sequence.length] ?? "j");
      await terminal.shows(frameEnd);
      all.push(performance.now() - start);
    }
    await sleep(100);
    report(`key to repaint, ${kind}, ms`, summary(all));
  }
}

async function live(terminal: Terminal, author: LoopbackClient, count: number): Promise<void> {
  const all: number[] = [];
  const bytes: number[] = [];
  for (let i = 0; i < count; i++) {
    await sleep(150);
    terminal.forget();
    const before = terminal.bytes;
    const text = `Live post number ${i} of bob, with a few words`;
    const { id } = await author.api.post({ text });
    const start = performance.now();
    if (id === "") throw new Error("no post");
    await terminal.shows(text);
    all.push(performance.now() - start);
    await sleep(100);
    bytes.push(terminal.bytes - before);
  }
  report("author's commit to the follower's screen, ms", summary(all));
  report("bytes written for a new post, reader at the top", summary(bytes));
}

await using network = await Network.start();
const [mia, bob] = await Promise.all([network.register("mia"), network.register("bob")]);
await mia.json("follow", "bob");
await bob.json("post", "Post 0 of bob");
await mia.down();
await fill(mia, option("posts", 100_000));
await mia.up();
await sleep(3_000);
report("posts", { stored: (await mia.status()).store.posts });
await firstPaints(mia, 7);

const terminal = new Terminal(mia, "tui");
await terminal.shows("peers");
await sleep(1_000);
const author = await clientOf(bob);
const idle = terminal.bytes;
await sleep(5_000);
report("bytes written in 5 s without events", { bytes: terminal.bytes - idle });
await live(terminal, author, option("live", 60));
await terminal.press("jjjjj");
await sleep(300);
const before = terminal.bytes;
await author.api.post({ text: "One that waits" });
await terminal.shows("newer arrived");
await sleep(500);
report("bytes written for a new post, reader elsewhere", { bytes: terminal.bytes - before });
await keys(terminal, option("keys", 400));
await terminal.press("\x1b");
await sleep(1_000);
const screenMB = await terminal.memoryMB();
await terminal.end("q");

const menu = new Terminal(mia, "--plain");
await menu.shows("New post");
await sleep(2_000);
report("memory, MB", { screen: screenMB, menu: await menu.memoryMB() });
await menu.end("\x03");
author.close();
