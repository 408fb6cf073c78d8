/**
 * `completion` and `man`: what the shell is told of the commands, made from their table.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { CamelliaError } from "../../core/model/errors.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { messageOf } from "../output/failure.ts";
import { runningPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";
import { expandHome } from "../settings/places.ts";
import { completionScript } from "../shell/completion.ts";
import { manPage } from "../shell/man_page.ts";
import type { Shell } from "../shell/names.ts";
import { examples, manualSections } from "./help_texts.ts";
import { program } from "./table.ts";

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

/** Writes the page into a folder, which is made if need be. */
async function writePage(folder: string, page: string): Promise<string> {
  const file = join(folder, "camellia.1");
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(file, page);
  } catch (error) {
    const message = `Cannot write ${file}: ${messageOf(error)}`;
    throw new CamelliaError("invalid_argument", message, { cause: error });
  }
  return file;
}

/** `completion`. */
export async function completion(
  { output }: Context,
  { shell }: { readonly shell: Shell },
): Promise<void> {
  const script = completionScript(shell, program);
  await output.line({ shell, script }, () => script.trimEnd());
}

/** `man`. */
export async function man(
  { io, output, host: { version } }: Context,
  { dir }: { readonly dir: string | undefined },
): Promise<void> {
  const page = manPage(program, { version, sections: manualSections, examples });
  if (dir === undefined) return await output.line({ page }, () => page.trimEnd());
  const file = await writePage(resolve(expandHome(dir, io)), page);
  await output.line({ file }, () => `Written: ${file}`);
}

/** `__complete`, which completion scripts call. */
export async function complete(
  context: Context,
  { kind }: { readonly kind: string },
): Promise<void> {
  const names = await namesFor(context, kind);
  if (names.length > 0) await context.output.line({ names }, () => names.join("\n"));
}
