import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { isInterruption } from "../../../ui/output/failure.ts";
import { LiveFeed } from "../../../ui/output/live_feed.ts";
import { refreshed } from "../../../ui/prompts/live_prompt.ts";
import { paintFor } from "../../../ui/terminal/paint.ts";
import { type Prompts, terminalPrompts } from "../../../ui/prompts/prompts.ts";
import { FakeIo } from "../fake_io.ts";

/** Streams in the place of a terminal. */
class Screen {
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  readonly error = new PassThrough();
  readonly prompts: Prompts = terminalPrompts(this);
  readonly none = new AbortController().signal;
  shown = "";
  secretly = "";
  #changed = Promise.withResolvers<void>();

  constructor() {
    const note = (fn: (text: string) => void) => (bytes: Uint8Array) => {
      fn(new TextDecoder().decode(bytes));
      this.#changed.resolve();
      this.#changed = Promise.withResolvers<void>();
    };
    this.output.on("data", note((text) => this.shown += text));
    this.error.on("data", note((text) => this.secretly += text));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  type(text: string): void {
    this.input.write(text);
  }
}

Deno.test("A password is asked for on standard error and shown as asterisks", async () => {
  const screen = new Screen();
  const answer = screen.prompts.password("Password:", screen.none);
  await screen.until(() => screen.secretly.includes("Password:"));
  screen.type("hidden\r");
  assert.equal(await answer, "hidden");
  assert.match(screen.secretly, /\*{6}/);
  assert.doesNotMatch(screen.secretly, /hidden/);
  assert.equal(screen.shown, "");
});

Deno.test("A line of text is asked for again until nothing is wrong with it", async () => {
  const screen = new Screen();
  const problem = (text: string) => text.length < 3 ? "That is too short" : undefined;
  const answer = screen.prompts.text({ message: "Name:", problem }, screen.none);
  await screen.until(() => screen.shown.includes("Name:"));
  screen.type("ab\r");
  await screen.until(() => screen.shown.includes("That is too short"));
  screen.type("c\r");
  assert.equal(await answer, "abc");
});

Deno.test("One of a few answers is chosen", async () => {
  const screen = new Screen();
  const choices = [{ value: "a", name: "First" }, { value: "b", name: "Second" }];
  const answer = screen.prompts.choice({ message: "Which?", choices }, screen.none);
  await screen.until(() => screen.shown.includes("Second"));
  screen.type("\x1b[B\r");
  assert.equal(await answer, "b");
});

function liveMenu(feed: LiveFeed, stale: AbortSignal) {
  return {
    last: undefined,
    choices: [{ value: "post", label: "New post" }, { value: "quit", label: "Quit" }],
    title: () => "alice",
    feed,
    io: new FakeIo(),
    look: () => ({ paint: paintFor(false), columns: 80, now: 0 }),
    stale,
  };
}

Deno.test("What arrives shows above the menu while no key is pressed", async () => {
  const screen = new Screen();
  const feed = new LiveFeed();
  const answer = screen.prompts.menu(liveMenu(feed, screen.none), screen.none);
  await screen.until(() => screen.shown.includes("❯ New post"));
  feed.add({ event: "said", text: "something arrived" });
  await screen.until(() => screen.shown.includes("something arrived"));
  assert.match(screen.shown.slice(screen.shown.indexOf("something")), /─\nalice\n❯ New post/);
  screen.type("q");
  await screen.until(() => screen.shown.includes("❯ Quit"));
  screen.type("\r");
  assert.equal(await answer, "quit");
});

Deno.test("A stale menu is left, also when it was stale from the start", async () => {
  for (const late of [true, false]) {
    const screen = new Screen();
    const stale = new AbortController();
    if (!late) stale.abort();
    const menu = liveMenu(new LiveFeed(), stale.signal);
    const answer = screen.prompts.menu(menu, screen.none);
    if (late) {
      await screen.until(() => screen.shown.includes("❯ New post"));
      stale.abort();
      // Chooses the first entry of a menu that is still there.
      screen.type("\r");
    }
    assert.equal(await answer, refreshed);
  }
});

Deno.test("Ctrl+C and an aborted signal are interruptions at every prompt", async () => {
  const ask: readonly ((screen: Screen, signal: AbortSignal) => Promise<string>)[] = [
    ({ prompts }, signal) => prompts.password("Which?", signal),
    ({ prompts }, signal) => prompts.text({ message: "Which?" }, signal),
    ({ prompts }, signal) =>
      prompts.choice({ message: "Which?", choices: [{ value: "a", name: "A" }] }, signal),
    ({ prompts, none }, signal) => prompts.menu(liveMenu(new LiveFeed(), none), signal),
  ];
  for (const question of ask) {
    for (const byKey of [true, false]) {
      const screen = new Screen();
      const controller = new AbortController();
      const answer = question(screen, controller.signal);
      await screen.until(() => `${screen.shown}${screen.secretly}`.match(/Which|alice/) !== null);
      if (byKey) screen.type("\x03");
      else controller.abort(new Error("over"));
      await assert.rejects(answer, (error) => isInterruption(error));
      // The cursor is shown again.
      assert.ok(`${screen.shown}${screen.secretly}`.endsWith("\x1b[?25h"));
    }
  }
});

/** A question for a post, and what it was told of changes. */
function composing(screen: Screen, draft = "") {
  const changes: string[] = [];
  const answer = screen.prompts.compose({
    message: "New post",
    draft,
    counter: (text) => `${text.length}/5`,
    problem: (text) => text.length > 5 ? "That is too long" : undefined,
    onChange: (text) => void changes.push(text),
    io: new FakeIo(),
    paint: paintFor(false),
  }, screen.none);
  return { answer, changes };
}

Deno.test("A paste of several lines is one post, and the terminal is as it was afterwards", async () => {
  const screen = new Screen();
  const { answer, changes } = composing(screen);
  await screen.until(() => screen.shown.includes("0/5"));
  assert.ok(screen.shown.includes("\x1b[?2004h"));
  screen.type("\x1b[200~a\rb\x1b[201~c");
  await screen.until(() => screen.shown.includes("4/5"));
  screen.type("\r");
  assert.equal(await answer, "a\nbc");
  assert.equal(changes.at(-1), "a\nbc");
  assert.ok(screen.shown.includes("\x1b[?2004l"));
});

Deno.test("A text that is too long is not taken, and Esc leaves with what was written so far", async () => {
  const screen = new Screen();
  const { answer, changes } = composing(screen, "draft");
  await screen.until(() => screen.shown.includes("5/5"));
  screen.type("s");
  await screen.until(() => screen.shown.includes("That is too long"));
  screen.type("\r");
  screen.type("\x7f");
  await screen.until(() => screen.shown.includes("5/5", screen.shown.indexOf("6/5")));
  screen.type("\x1b");
  assert.equal(await answer, undefined);
  assert.equal(changes.at(-1), "draft");
});
