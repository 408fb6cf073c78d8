/**
 * Questions to the person at the terminal.
 *
 * @module
 */

/** Asks; rejects with the signal's reason, or an interruption at Ctrl+C, with the terminal restored. */
export interface Prompts {
  /** A secret, shown as asterisks. */
  password(message: string, signal: AbortSignal): Promise<string>;
}

/**
 * Questions by `@inquirer/prompts`, asked on standard error so that standard output holds results only.
 * It is loaded when the first question comes: scripts should not wait for it.
 */
export const terminalPrompts: Prompts = {
  async password(message, signal) {
    const { password } = await import("@inquirer/prompts");
    const { default: process } = await import("node:process");
    return await password({ message, mask: "*", toggleMask: false }, {
      signal,
      output: process.stderr,
      clearPromptOnDone: true,
    });
  },
};
