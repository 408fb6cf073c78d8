import type { Context } from "./context.ts";
export function runMenu(_context: Context): Promise<void> {
  return Promise.resolve();
}
