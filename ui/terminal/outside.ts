/**
 * Programs that the screen starts: the permission to start others is not asked for.
 *
 * @module
 */

/** Editors that `VISUAL` and `EDITOR` may name. */
export const editors: readonly string[] = [
  ...["emacs", "emacsclient", "hx", "joe", "kak", "mcedit", "micro", "nano", "nvim", "vi", "vim"],
];

/** What stops the processes of the terminal, as the shell's Ctrl+Z does. */
export const stopper = "kill";
