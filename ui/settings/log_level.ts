/**
 * How much the program logs.
 *
 * @module
 */

/** How much is logged; each level includes those before it. */
export const logLevels = ["error", "warn", "info", "debug"] as const;

/** See {@linkcode logLevels}. */
export type LogLevel = typeof logLevels[number];

/** Takes one line of the log. Lines never carry secrets. */
export type Log = (level: LogLevel, message: string) => void;
