/**
 * Writing a text on a real terminal: `compose_view.ts` inside an `@inquirer/core` prompt.
 *
 * @module
 */

import { createPrompt, useEffect, useKeypress, useRef, useState } from "@inquirer/core";
import type { Io } from "../terminal/io.ts";
import type { Paint } from "../terminal/paint.ts";
import {
  composed,
  type ComposeKey,
  composeState,
  onComposeKey,
  renderCompose,
} from "./compose_view.ts";

/** What is to be written. */
export interface ComposeQuestion {
  /** The question. */
  readonly message: string;
  /** What the text begins as: a draft. */
  readonly draft: string;
  /** How long the text is and may be, such as `12/500`. */
  readonly counter: (text: string) => string;
  /** What is wrong with the text; undefined when it is fine. */
  readonly problem: (text: string) => string | undefined;
  /** Is told of the text whenever it has changed. */
  readonly onChange: (text: string) => void;
  /** The terminal. */
  readonly io: Pick<Io, "size">;
  /** Colours or none. */
  readonly paint: Paint;
}

/** A {@linkcode ComposeQuestion} on a terminal. */
export interface ComposeOnTerminal extends ComposeQuestion {
  /** Writes to the terminal what is no part of the drawing. */
  readonly write: (text: string) => void;
}

const hideCursor = "\x1b[?25l";

/** A terminal in this mode tells where a paste begins and ends (xterm, bracketed paste). */
const bracketedPaste = { on: "\x1b[?2004h", off: "\x1b[?2004l" };

/** Asks for a text, which may have several lines; undefined where the person goes back. */
export const composePrompt: (
  question: ComposeOnTerminal,
  context?: { signal?: AbortSignal; clearPromptOnDone?: boolean; output?: NodeJS.WritableStream },
) => Promise<string | undefined> = createPrompt<string | undefined, ComposeOnTerminal>(
  (question, done) => {
    const [state, setState] = useState(composeState(question.draft));
    // Several keys may come between two drawings.
    const latest = useRef(state);

    useEffect(() => {
      question.write(bracketedPaste.on);
      return () => question.write(bracketedPaste.off);
    }, []);

    useKeypress((key, readline) => {
      readline.clearLine(0);
      const { state: next, ends } = onComposeKey(latest.current, key as ComposeKey);
      const text = composed(next);
      if (ends === "back") return done(undefined);
      if (ends === "send") {
        if (question.problem(text) === undefined) done(text);
        return;
      }
      if (text !== composed(latest.current)) question.onChange(text);
      latest.current = next;
      setState(next);
    });

    const text = composed(state);
    const { columns, rows } = question.io.size();
    const frame = {
      message: question.message,
      counter: question.counter(text),
      problem: question.problem(text),
      ...{ columns, rows, paint: question.paint },
    };
    return `${renderCompose(state, frame)}${hideCursor}`;
  },
);
