/**
 * The screen of settings: how the peer is doing, what the user says of themselves, and what the browser may do.
 *
 * @module
 */

import type { SettingsPort } from "../settings/settings_port.ts";
import { safeText } from "../terminal/safe_text.ts";
import { statusLines } from "../views/status_words.ts";
import type { Screen } from "./layout.ts";
import { markup } from "./markup.ts";
import { asking } from "./people_screens.ts";
import type { Making } from "./screens.ts";
import { settingsSection } from "./settings_section.ts";

/** How the peer is doing, what the user says of themselves, and what the browser may do. */
export async function settingsScreen(
  { api, reader }: Making,
  { isFull, signal, settings }: {
    readonly isFull: boolean;
    readonly signal: AbortSignal;
    readonly settings?: SettingsPort | undefined;
  },
): Promise<Screen> {
  const { base, known } = reader;
  const username = known.self;
  const full = `${base}/settings?full=1`;
  const [status, own, setUp] = await Promise.all([
    api.status(),
    isFull ? api.profile({ username }, signal) : undefined,
    settings === undefined ? "" : settingsSection(settings),
  ]);
  const rows = statusLines(status, known.nowMs).map(({ label, text, tone }) =>
    markup`<tr><th scope="row">${label}</th><td class="${tone}">${safeText(text)}</td></tr>`
  );
  const field = (name: "name" | "about" | "link", label: string, max: number) =>
    markup`<p class="row"><label for="about-${name}">${label}</label><input id="about-${name}" name="${name}" maxlength="${max}" autocomplete="off" value="${
      safeText(
        own?.[name] ?? "",
      )
    }"></p>`;
  const about = own === undefined
    ? asking(full)
    : markup`<form data-form="about">${field("name", "Name to be shown", 50)}${
      field(
        "about",
        "About you",
        160,
      )
    }${field("link", "Link", 100)}<p class="row"><button class="main">Save</button></p></form>`;
  return {
    title: "Settings",
    entry: "settings",
    main: [
      markup`<section><h2>What you say of yourself</h2>${about}</section>`,
      markup`<section><h2>This browser</h2><p class="row"><button data-key="notify">Show desktop notifications</button><button data-key="end">Log this browser out of the page</button></p></section>`,
      setUp,
      markup`<section><h2>Reach</h2><table><tbody>${rows}</tbody></table></section>`,
    ],
    facts: { kind: "settings", ...(own === undefined ? { full } : {}) },
  };
}
