/**
 * The commands on the user's own devices: which are logged in, and sending one away.
 *
 * @module
 */

import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { deviceMax } from "../../core/model/snowflake.ts";
import { parseNumber } from "../settings/number.ts";
import { expecting } from "../settings/flags.ts";
import { type Command, command } from "./command.ts";
import { removingDevice, runTask, showingDevices } from "./tasks.ts";

const deviceNumber = expecting(
  `a whole number from 0 to ${deviceMax}`,
  (text) => parseNumber(text, 0, deviceMax),
);

/** The `devices` command, below which `remove` stands. */
function devicesParser(program: CommandUnknownOpts): CommandUnknownOpts {
  return program.commands.find((parser) => parser.name() === "devices") ??
    program.command("devices");
}

/** The commands on devices. */
export const deviceCommands: readonly Command[] = [
  command(
    (program) =>
      program.command("devices").description(
        "the devices on which you are logged in, with addresses",
      ),
    (context) => runTask(context, "user", showingDevices, undefined),
  ),
  command(
    (program) =>
      devicesParser(program).command("remove")
        .description("log another device out, by its number; it can log in again with the password")
        .argument("<number>", "its number in the list of `devices`", deviceNumber),
    (context, device) => runTask(context, "user", removingDevice, { device }),
  ),
];
