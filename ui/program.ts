/**
 * The command line: which commands and flags there are, and what the help says of them.
 *
 * @module
 */

import { Argument, Command } from "@commander-js/extra-typings";
import { parseSnowflakeText } from "../core/model/snowflake.ts";
import {
  exportAccount,
  importAccount,
  login,
  logout,
  passwd,
  register,
  whoami,
} from "./commands/account_commands.ts";
import { follow, post, profile, status, suggest, timeline, unfollow } from "./commands/commands.ts";
import type { Context } from "./peer/context.ts";
import {
  expecting,
  expectingNumber,
  type Flags,
  flagsOf,
  given,
  globalOptions,
} from "./settings/flags.ts";
import { serveNode, serveUser } from "./commands/serve.ts";

/** What the command line asks for. */
export interface Chosen {
  /** The global flags. */
  readonly flags: Flags;
  /** Does it. */
  readonly run: (context: Context) => Promise<void>;
}

/** Where the parser writes, and what it needs to know. */
export interface ProgramOptions {
  /** The program's version. */
  readonly version: string;
  /** Columns for help texts. */
  readonly columns: number;
  /** Takes help texts. */
  readonly writeOut: (text: string) => void;
  /** Called with what the command line asks for, at most once. */
  readonly onChosen: (chosen: Chosen) => void;
}

/** Posts of a page: what fits a screen, more or less. */
const limitDefault = 20;

const limitMax = 1000;

const helpAfter = `
Passwords come from --password-file, CAMELLIA_PASSWORD, or a masked prompt, never from an argument.
Without --data, data is kept in $XDG_DATA_HOME/camellia or ~/.local/share/camellia (Linux),
~/Library/Application Support/camellia (macOS), %LOCALAPPDATA%\\camellia (Windows).
Flags win over config.ini. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

Examples:
  camellia                                                the menu
  camellia node --init                                    the first node of a new network
  camellia register alice --bootstrap node.example:8000   a new account, through a node you know
  camellia up                                             stay in the network, show posts as they come
  camellia post "Hello, world"                            (in another terminal, or without one running)
  camellia timeline --limit 5 --json`;

/** Below the help of each command. */
const commandHelpAfter =
  '\nBesides, all flags of "camellia --help" are taken, such as --data and --json.';

/** `AUTHOR/ID`, the name of a post. */
function parsePostName(text: string): { author: string; id: string } | undefined {
  const [author = "", id = "", ...rest] = text.split("/");
  if (author === "" || rest.length > 0 || parseSnowflakeText(id) === undefined) return undefined;
  return { author, id };
}

const postName = expecting("AUTHOR/ID, the name of a post as the timeline shows it", parsePostName);
const postId = expecting(
  "the id of a post",
  (text) => parseSnowflakeText(text) === undefined ? undefined : text,
);
const fingerprint = expecting(
  "a fingerprint of 16 hexadecimal digits",
  (text) => /^[0-9a-f]{16}$/i.test(text) ? text.toLowerCase() : undefined,
);

/** The program with its flags; the commands are added to it. */
function baseProgram(options: ProgramOptions) {
  return new Command("camellia")
    .description("Camellia: a timeline without servers. Without a command it opens the menu.")
    .usage("[flags] [command]")
    .version(options.version, "-V, --version", "print the version")
    .addOption(globalOptions.data)
    .addOption(globalOptions.config)
    .addOption(globalOptions.ip)
    .addOption(globalOptions.port)
    .addOption(globalOptions.listeningIp)
    .addOption(globalOptions.listeningPort)
    .addOption(globalOptions.bootstrap)
    .addOption(globalOptions.init)
    .addOption(globalOptions.user)
    .addOption(globalOptions.json)
    .addOption(globalOptions.passwordFile)
    .addOption(globalOptions.ntpServer)
    .addOption(globalOptions.logLevel)
    .addHelpText("after", helpAfter)
    .configureHelp({ showGlobalOptions: false })
    .helpOption("-h, --help", "print this")
    .helpCommand("help [command]", "help on a command")
    .exitOverride()
    .configureOutput({
      writeOut: options.writeOut,
      // The message of the error says it all; whoever catches it prints it once, as text or JSON.
      writeErr: () => {},
      getOutHelpWidth: () => options.columns,
      getOutHasColors: () => false,
    });
}

type Choose = (run: (context: Context) => Promise<void>) => void;
type Program = ReturnType<typeof baseProgram>;

function addPeerCommands(program: Program, choose: Choose): void {
  program.command("node").description("run a bare node of the network until interrupted")
    .action(() => choose(serveNode));
  program.command("up").description(
    "run a user's peer (--user) without a menu, until interrupted or logged out",
  )
    .action(() => choose(serveUser));
  program.command("status").description("the state of the peer: network, links, clock, database")
    .action(() => choose(status));
}

function addAccountCommands(program: Program, choose: Choose): void {
  program.command("register").description("create an account and log in")
    .argument("<name>", "3 to 20 of a to z, 0 to 9 and _, a letter first")
    .action((name) => choose((context) => register(context, name)));
  program.command("login").description("log in, on any machine, with name and password")
    .argument("<name>")
    .action((name) => choose((context) => login(context, name)));
  program.command("logout").description("log out: take this device off the network")
    .action(() => choose(logout));
  program.command("whoami").description("who is logged in, with the fingerprint of the key")
    .action(() => choose(whoami));
  program.command("passwd").description("change the password")
    .option(
      "--new-password-file <file>",
      "file with the new password in its first line (or CAMELLIA_NEW_PASSWORD, or a prompt)",
    )
    .action(({ newPasswordFile }) => choose((context) => passwd(context, newPasswordFile)));
  const account = program.command("account").description("move an account by hand");
  account.command("export").description(
    "write the account, sealed under its password, to a new file",
  )
    .argument("<file>")
    .action((file) => choose((context) => exportAccount(context, file)));
  account.command("import").description("take in what export wrote; then log in")
    .argument("<file>")
    .action((file) => choose((context) => importAccount(context, file)));
}

function addTimelineCommands(program: Program, choose: Choose): void {
  program.command("post").description("publish a post of at most 500 characters")
    .addArgument(
      new Argument("<text>", "the text; - reads standard input; after -- it may begin with -"),
    )
    .option("--reply-to <author/id>", "the post that this one replies to", postName)
    .addHelpText(
      "after",
      '\nExamples:\n  camellia post "Hello"\n  fortune | camellia post -\n' +
        "  camellia post --reply-to bob/7340032 'I agree'\n  camellia post -- '-5 degrees'",
    )
    .action((text, { replyTo }) =>
      choose((context) => post(context, { text, ...given({ replyTo }) }))
    );
  program.command("timeline").description("own posts and those of whom you follow, newest first")
    .option("--limit <n>", "posts at most, 1 to 1000", expectingNumber(1, limitMax), limitDefault)
    .option("--before <id>", "only posts older than this one, for the next page", postId)
    .option("--author <name>", "only this author's posts")
    .option("--watch", "stay, and show posts as they arrive")
    .action((options) => choose((context) => timeline(context, options)));
  program.command("follow").description("follow somebody: their posts come to your timeline")
    .argument("<name>")
    .option(
      "--fingerprint <hex>",
      "trust this key for the name from now on, even if you trusted another",
      fingerprint,
    )
    .action((username, options) => choose((context) => follow(context, { username, ...options })));
  program.command("unfollow").description("unfollow somebody, and remove their posts here")
    .argument("<name>")
    .action((name) => choose((context) => unfollow(context, name)));
  program.command("profile").description(
    "somebody's followers, following and posts; your own without a name",
  )
    .argument("[name]")
    .action((name) => choose((context) => profile(context, name)));
  program.command("suggest").description("whom you might follow, and why")
    .action(() => choose(suggest));
}

/** Parses the arguments. Throws commander's errors for wrong usage, help and version. */
export function parseProgram(options: ProgramOptions, args: readonly string[]): void {
  const program = baseProgram(options);
  const choose: Choose = (run) => options.onChosen({ flags: flagsOf(program.opts()), run });
  addPeerCommands(program, choose);
  addAccountCommands(program, choose);
  addTimelineCommands(program, choose);
  program.command("version").description("print the version")
    .action(() =>
      choose(({ output, host }) =>
        output.result({ version: host.version }, () => `camellia ${host.version}`)
      )
    );
  program.addHelpText("afterAll", ({ command }) => command.parent === null ? "" : commandHelpAfter);
  program.action(() => {
    const unknown = program.args[0];
    if (unknown !== undefined) {
      program.error(`error: ${JSON.stringify(unknown)} is no command. "camellia help" lists them.`);
    }
    choose(async (context) => {
      const { runMenu } = await import("./menu/menu.ts");
      await runMenu(context);
    });
  }).allowExcessArguments();
  program.parse([...args], { from: "user" });
}
