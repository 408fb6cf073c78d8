/**
 * HTML as the page writes it: whatever stands in a template is text and is escaped, but for other pieces of HTML.
 *
 * It is Hono's `html` under a name of our own: the formatter would break the lines of templates called `html`,
 * and white space counts where the style sheet keeps it.
 *
 * @module
 */

import { html, raw } from "hono/html";

/** A piece of HTML, or a text, which is escaped wherever it is put. */
export type Html = string | Promise<string>;

/** A piece of HTML. Attributes stand in double quotes: then no value ends them. */
export function markup(strings: TemplateStringsArray, ...values: readonly unknown[]): Html {
  return html(strings, ...values);
}

/** HTML as it stands in the source. Never anything else: it is not escaped. */
export function asMarkup(source: string): Html {
  return raw(source);
}
