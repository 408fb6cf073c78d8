/**
 * The part of the table of commands that is on settings; see `table.ts`.
 *
 * @module
 */

import { loadModule } from "../../lib/load_module.ts";
import { settingNames } from "../settings/setting_names.ts";
import { argument, rest } from "../shell/table.ts";
import { type Command, command } from "./command.ts";

const onSettings = () =>
  loadModule<typeof import("./config_commands.ts")>(
    new URL("./config_commands.ts", import.meta.url),
  );

// Typed names are read by what does the work, which knows what a mistyped one was meant to be.
const name = {
  ...argument("<setting>", "its name, as `config list` shows it"),
  kind: Object.keys(settingNames),
};

/** The commands on settings. */
export const config: Command = command({
  name: "config",
  description: "the settings in config.ini: show and change them",
  commands: [
    command({
      name: "list",
      description: "all settings, with what is in force and where it comes from",
      load: async () => (await onSettings()).listSettings,
    }),
    command({
      name: "get",
      description: "the value of a setting",
      takes: { name },
      load: async () => (await onSettings()).getSetting,
    }),
    command({
      name: "set",
      description: "write a value for a setting; most count at once, also for a peer that runs",
      takes: { name, value: rest("<value...>", "what config.ini allows there; a list: words") },
      after: "\nExamples:\n  camellia config set bootstrap.nodes node.example.org:8000\n" +
        "  camellia config set lifespan 90d\n  camellia config set reach.mode relay",
      load: async () => (await onSettings()).setSetting,
    }),
    command({
      name: "unset",
      description: "take the own value of a setting back, so that the default counts again",
      takes: { name },
      load: async () => (await onSettings()).unsetSetting,
    }),
  ],
});
