/** A real terminal, driven through tmux. */

import { environment } from "./harness.ts";

const waitMs = 60_000;

async function tmux(socket: string, ...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("tmux", {
    args: ["-L", socket, "-f", "/dev/null", ...args],
    clearEnv: true,
    env: { ...environment(), TERM: "xterm-256color", LC_ALL: "C.UTF-8" },
    stdin: "null",
  }).output();
  if (!success) throw new Error(`tmux ${args[0]}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Why the tests with a terminal cannot run here, or undefined when they can. */
export async function whyNoTerminal(): Promise<string | undefined> {
  try {
    const { success } = await new Deno.Command("tmux", { args: ["-V"], stdout: "null" }).output();
    return success ? undefined : "tmux does not run";
  } catch {
    return "tmux is not installed";
  }
}

/** A terminal with a shell in it. */
export class Terminal {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** Opens one of 100 columns and 30 rows. */
  static async open(): Promise<Terminal> {
    const socket = `camellia-${crypto.randomUUID()}`;
    const shell = "env -u TMUX PS1='$ ' sh";
    await tmux(socket, "new-session", "-d", "-x", "100", "-y", "30", shell);
    const terminal = new Terminal(socket);
    await terminal.shows(/^\$/m);
    return terminal;
  }

  /** What it shows now. */
  screen(): Promise<string> {
    return tmux(this.#socket, "capture-pane", "-p");
  }

  /** What it shows now, with escape sequences for colours. */
  coloured(): Promise<string> {
    return tmux(this.#socket, "capture-pane", "-p", "-e");
  }

  /** Types text as it stands. */
  async type(text: string): Promise<void> {
    await tmux(this.#socket, "send-keys", "-l", "--", text);
  }

  /** Presses keys by name, such as `Enter`, `Down`, `C-c`. */
  async press(...keys: readonly string[]): Promise<void> {
    await tmux(this.#socket, "send-keys", ...keys);
  }

  /** Types a line. */
  async enter(text: string): Promise<void> {
    await this.type(text);
    await this.press("Enter");
  }

  /** Waits until it shows something; resolves to the screen. */
  async shows(expected: RegExp): Promise<string> {
    const giveUpAt = performance.now() + waitMs;
    while (true) {
      const screen = await this.screen();
      if (expected.test(screen)) return screen;
      if (performance.now() > giveUpAt) {
        throw new Error(`The terminal does not show ${expected}, but:\n${screen}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Gives it another size. */
  async resize(columns: number, rows: number): Promise<void> {
    await tmux(this.#socket, "resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** Pastes the text of a file, as a terminal does that was asked to tell where a paste begins and ends. */
  async paste(path: string): Promise<void> {
    await tmux(this.#socket, "load-buffer", path);
    await tmux(this.#socket, "paste-buffer", "-p");
  }

  /** Whether a program has left it in another state than it was: on its other screen, with a mouse, without a cursor. */
  async state(): Promise<{ other: boolean; mouse: boolean; cursor: boolean }> {
    const format = "#{alternate_on} #{mouse_any_flag} #{cursor_flag}";
    const flags = (await tmux(this.#socket, "display-message", "-p", format)).trim().split(" ");
    const [other, mouse, cursor] = flags.map((flag) => flag === "1");
    return { other: other === true, mouse: mouse === true, cursor: cursor === true };
  }

  /** Clears the screen of a shell. */
  async clear(): Promise<void> {
    await this.enter("clear");
    await this.shows(/^\$\s*$/);
  }

  /** Ends everything in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await tmux(this.#socket, "kill-server").catch(() => {});
  }
}
