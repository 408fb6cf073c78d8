/**
 * Shows that some work takes its time.
 *
 * @module
 */

import type { Timer } from "../../lib/time.ts";
import type { Io } from "./io.ts";

/** Work that is done sooner shows nothing. */
const startAfterMs = 400;

const frameMs = 100;

/** Every terminal can show rows of dots. */
const frames = ["·  ", "·· ", "···", " ··", "  ·", "   "];

/** Awaits `work`, and shows `label` on a terminal at standard error while that takes longer. */
export async function withSpinner<T>(io: Io, label: string, work: Promise<T>): Promise<T> {
  if (!io.terminal.error) return await work;
  let frame = 0;
  let timer: Timer;
  const draw = () => {
    void io.err(`\r\x1b[2K${frames[frame++ % frames.length]} ${label}`);
    timer = io.after(frameMs, draw);
  };
  timer = io.after(startAfterMs, draw);
  try {
    return await work;
  } finally {
    timer.cancel();
    if (frame > 0) await io.err("\r\x1b[2K");
  }
}
