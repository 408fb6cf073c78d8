/**
 * The commands that write: `post`, `reply`, `repost`, `delete`.
 *
 * @module
 */

import { Argument } from "@commander-js/extra-typings";
import type { PostDraft } from "../../core/api.ts";
import { given } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { parseSnowflakeText } from "../../core/model/snowflake.ts";
import { withPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";
import { expecting } from "../settings/flags.ts";
import { type Command, command } from "./command.ts";
import { draftsOf, inputText, parsePostName } from "./post_input.ts";
import { deleting, posting, reposting, runTask } from "./tasks.ts";

/** Standard input of `post -` at most; 500 characters are at most 2,000 bytes. */
const postInputBytesMax = 65_536;

/** Standard input of `post --lines` and `--jsonl` at most: some thousands of posts. */
const manyInputBytesMax = 16 * 1024 * 1024;

/** Posts between two lines of progress. */
const progressEvery = 100;

const postName = expecting("AUTHOR/ID, the name of a post as the timeline shows it", parsePostName);
const postId = expecting(
  "the id of a post, a whole number",
  (text) => parseSnowflakeText(text) === undefined ? undefined : text,
);

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

const textArgument = "the text; - reads standard input; after -- it may begin with -";

/** The commands that write. */
export const writingCommands: readonly Command[] = [
  command(
    (program) =>
      program.command("post").description("publish a post of at most 500 characters")
        .addArgument(new Argument("[text]", textArgument))
        .option("--reply-to <author/id>", "the post that this one replies to", postName)
        .option("--force", "reply even to a post that is not here")
        .option("--warn <text>", "a content warning, shown in place of the text")
        .option("--lines", "publish each line of standard input as a post")
        .option(
          "--jsonl",
          'publish each line of standard input: {"text":…,"reply_to":"AUTHOR/ID","warning":…}',
        )
        .addHelpText(
          "after",
          '\nExamples:\n  camellia post "Hello"\n  fortune | camellia post -\n' +
            "  camellia post --reply-to bob/7340032 'I agree'\n  camellia post -- '-5 degrees'\n" +
            "  camellia post --lines < diary.txt",
        ),
    async (context, argument, { replyTo, force, warn, lines, jsonl }) => {
      const more = given({ replyTo, force, warning: warn });
      const form = lines ? "lines" : jsonl ? "jsonl" : undefined;
      if (form !== undefined) return await postMany(context, form, more);
      const text = await postText(context, argument ?? "-");
      await runTask(context, "user", posting, { text, ...more });
    },
    (argument, { lines, jsonl }) => {
      const isMany = lines ?? jsonl ?? false;
      if (lines && jsonl) return "--lines and --jsonl do not go together";
      if (isMany && argument !== undefined) {
        return "with --lines or --jsonl the texts come from standard input; leave the text out";
      }
      return isMany || argument !== undefined
        ? undefined
        : "missing required argument 'text'; - reads it from standard input";
    },
  ),
  command(
    (program) =>
      program.command("reply").description("reply to a post")
        .argument("<author/id>", "the post, as the timeline shows it", postName)
        .addArgument(new Argument("<text>", textArgument))
        .option("--force", "reply even to a post that is not here")
        .option("--warn <text>", "a content warning, shown in place of the text"),
    async (context, replyTo, argument, { force, warn }) => {
      const text = await postText(context, argument);
      const draft = { text, replyTo, ...given({ force, warning: warn }) };
      await runTask(context, "user", posting, draft);
    },
  ),
  command(
    (program) =>
      program.command("repost").description("pass a post on to your followers")
        .argument("<author/id>", "the post, as the timeline shows it", postName),
    (context, name) => runTask(context, "user", reposting, name),
  ),
  command(
    (program) =>
      program.command("delete").description(
        "take own posts back: followers are asked to forget them",
      )
        .argument("<id...>", "the ids of the posts", (text, ids: string[] = []) => [
          ...ids,
          postId(text),
        ]),
    (context, ids) => runTask(context, "user", deleting, { ids }),
  ),
];
