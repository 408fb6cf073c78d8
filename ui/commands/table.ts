/**
 * All commands: what each is called, what it takes, and which module does it.
 *
 * The table is data, and a module that does something is loaded when its command was chosen: whatever the
 * table imports, every command waits for.
 *
 * @module
 */

import { loadModule } from "../../lib/load_module.ts";
import { globalFlags } from "../settings/flags.ts";
import { completeName, shells } from "../shell/names.ts";
import { argument, flag, named, rest } from "../shell/table.ts";
import { accounts } from "./account_table.ts";
import { type Command, command } from "./command.ts";
import { config } from "./config_table.ts";
import { helpAfter, searchHelp } from "./help_texts.ts";
import { people } from "./people_table.ts";
import { duration, fingerprint, postId, postName, wholeNumber } from "./values.ts";

const serving = () =>
  loadModule<typeof import("./serve.ts")>(new URL("./serve.ts", import.meta.url));
const onPosts = () =>
  loadModule<typeof import("./timeline_commands.ts")>(
    new URL("./timeline_commands.ts", import.meta.url),
  );
const writing = () =>
  loadModule<typeof import("./writing_commands.ts")>(
    new URL("./writing_commands.ts", import.meta.url),
  );
const onNotifications = () =>
  loadModule<typeof import("./notification_commands.ts")>(
    new URL("./notification_commands.ts", import.meta.url),
  );
const onThread = () =>
  loadModule<typeof import("./thread_command.ts")>(new URL("./thread_command.ts", import.meta.url));
const examining = () =>
  loadModule<typeof import("./doctor.ts")>(new URL("./doctor.ts", import.meta.url));
const onInvites = () =>
  loadModule<typeof import("./invite_commands.ts")>(
    new URL("./invite_commands.ts", import.meta.url),
  );
const onService = () =>
  loadModule<typeof import("./service.ts")>(new URL("./service.ts", import.meta.url));
const forShells = () =>
  loadModule<typeof import("./shell_commands.ts")>(new URL("./shell_commands.ts", import.meta.url));

const onPage = () =>
  loadModule<typeof import("./web_command.ts")>(new URL("./web_command.ts", import.meta.url));

const stay = [
  // `ui/program.ts` opens the screen, which is above the commands.
  command({
    name: "tui",
    description: "read and write on the full screen; the keys are shown with ?",
  }),
  command({
    name: "node",
    description: "run a bare node of the network until interrupted",
    load: async () => (await serving()).serveNode,
  }),
  command({
    name: "up",
    description: "run a user's peer (--user) without a menu, until interrupted or logged out",
    load: async () => (await serving()).serveUser,
  }),
  command({
    name: "web",
    description: "show the page in your browser, until interrupted",
    flags: {
      noOpen: flag("--no-open", "only print the address, which is good once, for two minutes"),
      stop: flag("--stop", "turn the page off that another command has turned on"),
    },
    load: async () => (await onPage()).web,
  }),
];

const look = [
  command({
    name: "status",
    description: "the state of the peer: network, links, clock, database",
    load: async () => (await onPosts()).status,
  }),
  command({
    name: "doctor",
    description: "look for what keeps camellia from working, and say what to do",
    load: async () => (await examining()).doctor,
  }),
];

const friends = [
  command({
    name: "invite",
    description: "make an invite: one string with which a friend joins and follows you",
    flags: {
      once: flag("--once", "for one friend, whom you follow back; good for 7 days"),
      expires: flag("--expires <time>", "until when it is good, such as 12h or 7d", duration),
      qr: flag("--qr", "show a QR code, too (default: on a terminal wide enough)"),
      noQr: flag("--no-qr", "show none"),
    },
    load: async () => (await onInvites()).invite,
  }),
  command({
    name: "join",
    description: "use an invite: join the network, get an account, follow the inviter",
    takes: {
      text: argument(
        "<invite>",
        "the string, which begins with camellia:; - reads standard input",
      ),
      name: argument(
        "[name]",
        "your name; default: the account of this machine, or a question",
      ),
    },
    load: async () => (await onInvites()).join,
  }),
];

const textArgument = "the text; - reads standard input; after -- it may begin with -";
const post = argument("<author/id>", "the post, as the timeline shows it", postName);
const force = flag("--force", "reply even to a post that is not here");
const warn = flag("--warn <text>", "a content warning, shown in place of the text");

const posts = [
  command({
    name: "post",
    description: "publish a post of at most 500 characters",
    takes: { text: argument("[text]", textArgument) },
    flags: {
      replyTo: flag("--reply-to <author/id>", "the post that this one replies to", postName),
      force,
      warn,
      lines: flag("--lines", "publish each line of standard input as a post"),
      jsonl: flag(
        "--jsonl",
        'publish each line of standard input: {"text":…,"reply_to":"AUTHOR/ID","warning":…}',
      ),
    },
    after: '\nExamples:\n  camellia post "Hello"\n  fortune | camellia post -\n' +
      "  camellia post --reply-to bob/7340032 'I agree'\n  camellia post -- '-5 degrees'\n" +
      "  camellia post --lines < diary.txt",
    mistakeIn({ text, lines, jsonl }) {
      const isMany = lines ?? jsonl ?? false;
      if (lines && jsonl) return "--lines and --jsonl do not go together";
      if (isMany && text !== undefined) {
        return "with --lines or --jsonl the texts come from standard input; leave the text out";
      }
      return isMany || text !== undefined
        ? undefined
        : "missing required argument 'text'; - reads it from standard input";
    },
    load: async () => (await writing()).post,
  }),
  command({
    name: "reply",
    description: "reply to a post",
    takes: { replyTo: post, text: argument("<text>", textArgument) },
    flags: { force, warn },
    load: async () => (await writing()).reply,
  }),
  command({
    name: "repost",
    description: "pass a post on to your followers",
    takes: { post },
    load: async () => (await writing()).repost,
  }),
  command({
    name: "delete",
    description: "take own posts back: followers are asked to forget them",
    takes: { ids: rest("<id...>", "the ids of the posts", postId) },
    load: async () => (await writing()).deletePosts,
  }),
  command({
    name: "timeline",
    description: "own posts and those of the users you follow, newest first",
    flags: {
      limit: flag("--limit <n>", "posts at most, 1 to 1000 (default: 20)", wholeNumber(1, 1000)),
      before: flag("--before <id>", "only posts older than this one, for the next page", postId),
      author: flag("--author <user>", "only this author's posts"),
      reveal: flag("--reveal", "also show texts that have a content warning"),
      watch: flag(
        "--watch",
        'stay, and show posts as they arrive; with --json one line a post: {"event":"post","post":…}',
      ),
    },
    load: async () => (await onPosts()).timeline,
  }),
  command({
    name: "thread",
    description: "a post and the replies to it, as far as a user who has them is online",
    takes: { post },
    flags: {
      reveal: flag("--reveal", "also show texts that have a content warning"),
      watch: flag(
        "--watch",
        'stay, and show replies as they arrive; with --json one line a post: {"event":"post","post":…}',
      ),
    },
    load: async () => (await onThread()).thread,
  }),
  command({
    name: "search",
    description: "posts on this machine by their words, newest first; asks no other peer",
    takes: {
      words: rest("<query...>", 'words, "a phrase", the beginning of a word (camel*), and more'),
    },
    flags: {
      limit: flag("--limit <n>", "posts at most, 1 to 1000 (default: 20)", wholeNumber(1, 1000)),
      before: flag("--before <id>", "only posts older than this one, for the next page", postId),
      reveal: flag("--reveal", "also show texts that have a content warning"),
    },
    after: searchHelp,
    load: async () => (await onPosts()).search,
  }),
  command({
    name: "follow",
    description: "follow users: their posts come to your timeline",
    takes: { usernames: rest("<user...>") },
    flags: {
      fingerprint: flag(
        "--fingerprint <hex>",
        "trust this key for the name from now on, even if you trusted another",
        fingerprint,
      ),
    },
    mistakeIn: ({ usernames, fingerprint }) =>
      usernames.length > 1 && fingerprint !== undefined
        ? "--fingerprint goes with one name only"
        : undefined,
    load: async () => (await onPosts()).follow,
  }),
  command({
    name: "unfollow",
    description: "unfollow users, and remove their posts here",
    takes: { usernames: rest("<user...>") },
    load: async () => (await onPosts()).unfollow,
  }),
  command({
    name: "profile",
    description: "followers, following and posts of a user; your own without a name",
    takes: { username: argument("[user]") },
    load: async () => (await onPosts()).profile,
  }),
  command({
    name: "suggest",
    description: "users whom you might follow, and why",
    load: async () => (await onPosts()).suggest,
  }),
];

const toldAtMost = (what: string) =>
  flag("--limit <n>", `${what} at most, 1 to 1000 (default: 20)`, wholeNumber(1, 1000));
const unread = flag("--unread", "only those that have not been read");
const read = flag("--read", "all of them have been read then");

const news = [
  command({
    name: "notifications",
    description: "what you are told of: followers, mentions, replies, reposts, security",
    flags: {
      limit: toldAtMost("notifications"),
      unread,
      read,
      watch: flag(
        "--watch",
        "stay, and show notifications as they come; with --json one line each: " +
          '{"event":"notification","notification":…}',
      ),
    },
    load: async () => (await onNotifications()).notifications,
  }),
  command({
    name: "requests",
    description: "what strangers say to you: users who neither follow you nor are followed",
    flags: {
      limit: toldAtMost("requests"),
      unread,
      read,
      ignore: flag("--ignore <user>", "put the requests of this user aside first"),
    },
    load: async () => (await onNotifications()).requests,
  }),
  command({
    name: "watch",
    description: "stay, and tell everything that happens; with --json one event a line",
    load: async () => (await onNotifications()).watch,
  }),
];

const service = command({
  name: "service",
  description: "have the system run your peer, also after a restart",
  commands: [
    command({
      name: "install",
      description: "ask for the password, and have the system run the peer of --user",
      load: async () => (await onService()).install,
    }),
    command({
      name: "uninstall",
      description: "stop the service, and forget its password",
      load: async () => (await onService()).uninstall,
    }),
    command({
      name: "status",
      description: "whether the service runs",
      load: async () => (await onService()).showStatus,
    }),
    command({
      name: "logs",
      description: "the last lines of the service's log",
      flags: {
        lines: flag(
          "--lines <n>",
          "so many lines, 1 to 10000 (default: 50)",
          wholeNumber(1, 10_000),
        ),
      },
      load: async () => (await onService()).showLogs,
    }),
  ],
});

const shell = [
  command({
    name: "completion",
    description: "print a script that completes commands, flags and names in your shell",
    takes: { shell: argument("<shell>", shells.join(", "), shells) },
    after: "\nExamples:\n  source <(camellia completion bash)      (in ~/.bashrc)\n" +
      "  source <(camellia completion zsh)       (in ~/.zshrc)\n" +
      "  camellia completion fish | source       (in ~/.config/fish/config.fish)",
    load: async () => (await forShells()).completion,
  }),
  command({
    name: "man",
    description: "print the manual for man(1), or write it into a folder as camellia.1",
    takes: { dir: argument("[dir]") },
    load: async () => (await forShells()).man,
  }),
  command({
    name: "version",
    description: "print the version",
    load: () =>
      Promise.resolve(({ output, host: { version } }) =>
        output.line({ version }, () => `camellia ${version}`)
      ),
  }),
];

/** All commands but `help`, in the order in which the help lists them. */
const listed: readonly Command[] = [
  ...stay,
  ...look,
  ...accounts,
  ...friends,
  ...posts,
  ...people,
  ...news,
  config,
  service,
  ...shell,
];

/** What completion scripts ask. */
const complete = command({
  name: completeName,
  description: "",
  takes: { kind: argument("<kind>") },
  load: async () => (await forShells()).complete,
});

/** The program, with all its commands and flags. */
export const program: Command = {
  name: "camellia",
  description: "Camellia: a timeline without servers. Without a command it opens the menu.",
  arguments: [],
  flags: [
    { ...flag("-V, --version", "print the version"), shows: "version" },
    ...named(globalFlags),
    { ...flag("-h, --help", "print this"), shows: "help" },
  ],
  commands: [
    ...listed,
    command({
      name: "help",
      description: "help on a command",
      takes: { command: argument("[command]", "", listed.map(({ name }) => name)) },
    }),
  ],
  hidden: [complete],
  after: helpAfter,
};
