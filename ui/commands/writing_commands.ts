/**
 * The commands that write: `post`, `reply`, `repost`, `delete`.
 *
 * @module
 */

import type { PostDraft, PostNameView } from "../../core/api.ts";
import { given } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { withPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";
import { draftsOf, inputText } from "./post_input.ts";
import { deleting, posting, reposting, runTask } from "./tasks.ts";

/** Standard input of `post -` at most; 500 characters are at most 2,000 bytes. */
const postInputBytesMax = 65_536;

/** Standard input of `post --lines` and `--jsonl` at most: some thousands of posts. */
const manyInputBytesMax = 16 * 1024 * 1024;

/** Posts between two lines of progress. */
const progressEvery = 100;

/** The text to post: the argument, or with `-` standard input without its last line break. */
async function postText({ io }: Context, argument: string): Promise<string> {
  if (argument === "-") {
    const text = await inputText(io, postInputBytesMax, "far more than 500 characters");
    return text.replace(/\r?\n$/, "");
  }
  // Deno puts U+FFFD in the place of bytes that are not UTF-8; people do not type it on purpose.
  if (!argument.includes("\ufffd")) return argument;
  const advice = "If the character U+FFFD is meant, give the text on standard input: post -";
  throw new CamelliaError("invalid_text", `Cannot post: the text is not UTF-8. ${advice}`);
}

/** Posts what stands in the lines of standard input, in their order; stops at the first that is refused. */
async function postMany(
  context: Context,
  form: "lines" | "jsonl",
  given: Omit<PostDraft, "text">,
): Promise<void> {
  const { io, output, signal } = context;
  const text = await inputText(io, manyInputBytesMax, "too many at once");
  const drafts = draftsOf(text, form);
  await withPeer(context, "user", async ({ api }) => {
    let count = 0;
    for (const { line, read } of drafts) {
      signal.throwIfAborted();
      try {
        const post = await api.post({ ...given, ...read() });
        count++;
        if (output.json) await output.line({ post }, () => "");
        else if (io.terminal.error && count % progressEvery === 0) {
          io.err(`${count} of ${drafts.length} posted\n`);
        }
      } catch (error) {
        if (!(error instanceof CamelliaError)) throw error;
        const where = `Line ${line}, after ${count} posted: ${error.message}`;
        throw new CamelliaError(error.code, where, { cause: error });
      }
    }
    if (!output.json) await output.line({}, () => `${count} posted`);
  });
}

/** `post`. */
export async function post(
  context: Context,
  { text: typed = "-", replyTo, force, warn, lines, jsonl }: {
    readonly text: string | undefined;
    readonly replyTo?: PostNameView;
    readonly force?: true;
    readonly warn?: string;
    readonly lines?: true;
    readonly jsonl?: true;
  },
): Promise<void> {
  const more = given({ replyTo, force, warning: warn });
  const form = lines ? "lines" : jsonl ? "jsonl" : undefined;
  if (form !== undefined) return await postMany(context, form, more);
  const text = await postText(context, typed);
  await runTask(context, "user", posting, { text, ...more });
}

/** `reply`. */
export async function reply(
  context: Context,
  { replyTo, text: typed, force, warn }: {
    readonly replyTo: PostNameView;
    readonly text: string;
    readonly force?: true;
    readonly warn?: string;
  },
): Promise<void> {
  const text = await postText(context, typed);
  const draft = { text, replyTo, ...given({ force, warning: warn }) };
  await runTask(context, "user", posting, draft);
}

/** `repost`. */
export async function repost(
  context: Context,
  { post }: { readonly post: PostNameView },
): Promise<void> {
  await runTask(context, "user", reposting, post);
}

/** `delete`. */
export async function deletePosts(
  context: Context,
  request: { readonly ids: readonly string[] },
): Promise<void> {
  await runTask(context, "user", deleting, request);
}
