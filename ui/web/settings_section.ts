/**
 * The settings of config.ini in the page: a form for each, and what writes it.
 *
 * @module
 */

import { fields, text } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { settingNamed, type SettingView } from "../settings/setting_list.ts";
import type { SettingsPort } from "../settings/settings_port.ts";
import { safeText } from "../terminal/safe_text.ts";
import { effectText, groupTitles, sourceText, writeSetting } from "../views/settings.ts";
import type { Action } from "./actions.ts";
import { type Html, markup } from "./markup.ts";

/** Characters of a value at most: a line of config.ini. */
const valueLengthMax = 4_000;

function formHtml(setting: SettingView): Html {
  const { name, title, value, allowed, default: usual } = setting;
  const source = sourceText(setting);
  const details = `${name}: ${allowed}; default: ${usual === "" ? "none" : usual}${
    effectText(setting)
  }`;
  return markup`<form data-form="setting"><input type="hidden" name="name" value="${name}"><p class="row"><label for="set-${name}">${title}${
    source === "" ? "" : ` (${source})`
  }</label><input id="set-${name}" name="value" maxlength="${valueLengthMax}" autocomplete="off" aria-describedby="about-${name}" value="${
    safeText(value)
  }"><button>Save</button></p><p class="note" id="about-${name}">${safeText(details)}</p></form>`;
}

/** All settings, by what they are for; why they cannot be shown, where they cannot. */
export async function settingsSection(settings: SettingsPort): Promise<Html> {
  const heading = markup`<h2>How your peer is set up</h2>`;
  const note = (text: string) => markup`<p class="note">${safeText(text)}</p>`;
  let all: readonly SettingView[];
  try {
    all = await settings.list();
  } catch (error) {
    if (!(error instanceof CamelliaError)) throw error;
    return markup`<section>${heading}${note(error.message)}</section>`;
  }
  if (settings.refusal !== undefined) {
    return markup`<section>${heading}${note(`${settings.refusal}.`)}</section>`;
  }
  const groups = [...Map.groupBy(all, ({ group }) => group)].map(([group, members]) =>
    markup`<details><summary>${groupTitles[group]}</summary>${members.map(formHtml)}</details>`
  );
  const about = note(
    `Written into ${settings.path}. An empty field brings the default back.`,
  );
  return markup`<section>${heading}${about}${groups}</section>`;
}

const change = fields<{ readonly name: string; readonly value: string }>({
  name: text(100),
  value: text(valueLengthMax),
});

/** Writes a setting. */
export function settingAction(settings: SettingsPort): Action {
  return async (api, argument) => {
    const { name: typed, value } = change(argument, "the argument");
    const wanted = value.trim() === "" ? undefined : value;
    const name = settingNamed(typed);
    return { said: (await writeSetting(settings, api, { name, value: wanted })).told };
  };
}
