/**
 * What the help and the manual say beside the table of commands.
 *
 * @module
 */

/** Paragraphs of the manual, each with its heading. */
export const manualSections: readonly (readonly [heading: string, text: string])[] = [
  [
    "PASSWORDS",
    "Passwords come from --password-file, CAMELLIA_PASSWORD, or a masked prompt, never from an argument.",
  ],
  [
    "FILES",
    `Without --data, data is kept in $XDG_DATA_HOME/camellia or ~/.local/share/camellia (Linux),
~/Library/Application Support/camellia (macOS), %LOCALAPPDATA%\\camellia (Windows).`,
  ],
  [
    "EXIT STATUS",
    "Flags win over config.ini. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.",
  ],
];

/** Lines to type, each with what it does. */
export const examples: readonly string[] = [
  "camellia                                                the menu",
  "camellia tui                                            the full screen",
  "camellia node --init                                    the first node of a new network",
  "camellia register alice --bootstrap node.example:8000   a new account, through a node you know",
  "camellia up                                             stay in the network, show posts as they come",
  'camellia post "Hello, world"                            (in another terminal, or without one running)',
  "camellia web                                            the page, in your browser",
  "camellia timeline --limit 5 --json",
];

/** Below the help of the program. */
export const helpAfter: string = `
${manualSections.map(([, text]) => text).join("\n")}

Examples:
${examples.map((line) => `  ${line}`).join("\n")}`;

/** Below the help of `search`. */
export const searchHelp: string = `
A post is found if it has all of these:
  tea              a word; case and accents make no difference
  "green tea"      words that follow one another
  camel*           a word that begins so
  #tag  @name      a tag, a user who is named
  from:name        posts of this author; several: of one of them
  since:2026-11-01  before:2026-11-02T18:30   from a time on, before a time (UTC)
  sort:rank        what fits best comes first, among the newest 500

Examples:
  camellia search green tea from:bob
  camellia search '"green tea" since:2026-11-01' --json`;
