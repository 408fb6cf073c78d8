/**
 * `completion` and `man`: what the shell is told of the commands, made from their table.
 *
 * @module
 */

import { Argument, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { join, resolve } from "node:path";
import { CamelliaError } from "../../core/model/errors.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { messageOf } from "../output/failure.ts";
import { runningPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";
import { expandHome } from "../settings/places.ts";
import { completeName, completionScript, shells } from "../shell/completion.ts";
import { manPage } from "../shell/man_page.ts";
import { tableOf } from "../shell/table.ts";
import { type Command, command } from "./command.ts";
import { examples, manualSections } from "./help_texts.ts";

/** A person who has pressed Tab waits no longer. */
const namesWaitMs = 1000;

/** The names that may complete an argument; none where no peer runs, or it does not answer at once. */
async function namesFor(context: Context, kind: string): Promise<readonly string[]> {
  if (kind !== "users") return [];
  const peer = await runningPeer(context);
  if (peer === undefined) return [];
  try {
    const names = peer.api.followed();
    const isThere = await settledWithin(context.io, names.catch(() => {}), namesWaitMs);
    return isThere ? await names : [];
  } catch {
    // It is no peer of this folder, or no user is logged in: there is nothing to offer.
    return [];
  } finally {
    peer.close();
  }
}

/** Writes the page into a folder that exists. */
async function writePage(folder: string, page: string): Promise<string> {
  const file = join(folder, "camellia.1");
  try {
    await Deno.writeTextFile(file, page);
  } catch (error) {
    const message = `Cannot write ${file}: ${messageOf(error)}`;
    throw new CamelliaError("invalid_argument", message, { cause: error });
  }
  return file;
}

/** A command whose work needs the table of all commands. */
function withTable(make: (table: () => ReturnType<typeof tableOf>) => Command): Command {
  return (program: CommandUnknownOpts, choose) => make(() => tableOf(program))(program, choose);
}

/** `completion`, `man`, and what completion scripts call. */
export const shellCommands: readonly Command[] = [
  withTable((table) =>
    command(
      (program) =>
        program.command("completion")
          .description("print a script that completes commands, flags and names in your shell")
          .addArgument(new Argument("<shell>", shells.join(", ")).choices(shells))
          .addHelpText(
            "after",
            "\nExamples:\n  source <(camellia completion bash)      (in ~/.bashrc)\n" +
              "  source <(camellia completion zsh)       (in ~/.zshrc)\n" +
              "  camellia completion fish | source       (in ~/.config/fish/config.fish)",
          ),
      async ({ output }, shell) => {
        const script = completionScript(shell, table());
        await output.line({ shell, script }, () => script.trimEnd());
      },
    )
  ),
  withTable((table) =>
    command(
      (program) =>
        program.command("man")
          .description("print the manual for man(1), or write it into a folder as camellia.1")
          .argument("[dir]"),
      async ({ io, output, host: { version } }, dir) => {
        const page = manPage(table(), { version, sections: manualSections, examples });
        if (dir === undefined) return await output.line({ page }, () => page.trimEnd());
        const file = await writePage(resolve(expandHome(dir, io)), page);
        await output.line({ file }, () => `Written: ${file}`);
      },
    )
  ),
  command(
    (program) => program.command(completeName, { hidden: true }).argument("<kind>"),
    async (context, kind) => {
      const names = await namesFor(context, kind);
      if (names.length > 0) await context.output.line({ names }, () => names.join("\n"));
    },
  ),
];
