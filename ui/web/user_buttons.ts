/**
 * Buttons that do something about a user.
 *
 * @module
 */

import type { Offer } from "../views/relations.ts";
import { type Html, markup } from "./markup.ts";

/** A button for one of the things that can be done about a user. */
export function userButton({ deed, label }: Offer, username: string): Html {
  return markup`<button class="act" data-do="${deed}" data-user="${username}">${label}</button>`;
}

/** A button for each of them. */
export function userButtons(offers: readonly Offer[], username: string): Html {
  return markup`${offers.map((each) => userButton(each, username))}`;
}
