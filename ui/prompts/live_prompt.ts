/**
 * The live menu on a real terminal: `menu_view.ts` inside an `@inquirer/core` prompt, drawn anew when a
 * key is pressed or something arrives.
 *
 * @module
 */

import { createPrompt, useEffect, useKeypress, useState } from "@inquirer/core";
import type { Timer } from "../../lib/time.ts";
import type { Io } from "../terminal/io.ts";
import type { LiveFeed } from "../output/live_feed.ts";
import { liveLinesMax, type MenuChoice, menuState, onKey, render } from "./menu_view.ts";
import type { Look } from "../output/look.ts";

/** The answer of a menu that was left only to be shown again with other choices. */
export const refreshed = "refresh";

/** "just now" becomes "1 min ago" without a key being pressed. */
const redrawMs = 20_000;

/** What the menu is made of. */
export interface LiveMenu {
  /** What there is to choose. */
  readonly choices: readonly MenuChoice[];
  /** What was chosen last: the pointer is there again. */
  readonly last: string | undefined;
  /** The line above the choices, asked for at each drawing. */
  readonly title: (look: Look) => string;
  /** What arrives. */
  readonly feed: LiveFeed;
  /** The terminal. */
  readonly io: Io;
  /** How text is to look now. */
  readonly look: () => Look;
  /** Aborted when the choices no longer apply, because a user logged in or out elsewhere. */
  readonly stale: AbortSignal;
}

const hideCursor = "\x1b[?25l";

/** Shows the menu until something is chosen, on the `output` and as long as the `signal` lets it. */
export const livePrompt: (
  menu: LiveMenu,
  context?: { signal?: AbortSignal; clearPromptOnDone?: boolean; output?: NodeJS.WritableStream },
) => Promise<string> = createPrompt<string, LiveMenu>(
  (menu, done) => {
    const [state, setState] = useState(menuState(menu.choices, menu.last));
    const [, setDrawing] = useState(0);

    useEffect(() => {
      let drawing = 0;
      let timer: Timer;
      const redraw = () => setDrawing(++drawing);
      const tick = () => {
        redraw();
        timer = menu.io.after(redrawMs, tick);
      };
      timer = menu.io.after(redrawMs, tick);
      const stop = menu.feed.onChange(redraw);
      const leave = () => done(refreshed);
      if (menu.stale.aborted) leave();
      else menu.stale.addEventListener("abort", leave);
      return () => {
        timer.cancel();
        stop();
        menu.stale.removeEventListener("abort", leave);
      };
    }, []);

    useKeypress((key, readline) => {
      readline.clearLine(0);
      const result = onKey(state, key);
      if (result.chosen === undefined) setState(result.state);
      else done(result.chosen);
    });

    const look = menu.look();
    const { columns, rows } = menu.io.size();
    const live = menu.feed.lines(look, liveLinesMax(state.choices.length, rows));
    const frame = { live, title: menu.title(look), columns, rows, paint: look.paint };
    return `${render(state, frame)}${hideCursor}`;
  },
);
