/**
 * Where the password comes from: a file, the environment, or a masked prompt. Never an argument, which
 * every user of the machine could read in the process list.
 *
 * @module
 */

import { CamelliaError } from "../../core/model/errors.ts";
import { messageOf } from "../output/failure.ts";
import { makePassphrase } from "./passphrase.ts";
import { expandHome } from "../settings/places.ts";
import type { Io } from "../terminal/io.ts";
import type { Console } from "./prompts.ts";

/** A file with a secret at most: 24 recovery words have some 400 bytes. */
const secretFileBytesMax = 4096;

/** What the password is for. */
export interface PasswordRequest {
  /** Whose keys it seals. */
  readonly username: string;
  /** All but `login` are asked for twice, and made up where the person enters none. */
  readonly kind: "login" | "new" | "changed";
}

/** The files that secrets are read from: what each is called, and the code where it cannot be read. */
const secretFiles = { password: "no_password", words: "wrong_words" } as const;

/**
 * The text of a file with a secret. Where others can read the file, a warning says so.
 *
 * @throws {CamelliaError} `no_password` or `wrong_words` where there is none, or it is no text.
 */
export async function readSecretFile(
  context: Console,
  path: string,
  kind: "password" | "words",
): Promise<string> {
  const text = await readSecret(context.io, path, kind);
  if (await context.io.readableByOthers(path).catch(() => false)) {
    const advice = `Make it private: chmod 600 ${path}`;
    context.output.log("warn", `Others can read the ${kind} file ${path}. ${advice}`);
  }
  return text;
}

async function readSecret(
  io: Pick<Io, "readFile">,
  path: string,
  kind: "password" | "words",
): Promise<string> {
  const refuse = (why: string, cause?: unknown) =>
    new CamelliaError(secretFiles[kind], `Cannot read the ${kind} file ${path}: ${why}`, { cause });
  let bytes: Uint8Array | undefined;
  try {
    bytes = await io.readFile(path, secretFileBytesMax);
  } catch (error) {
    throw refuse(messageOf(error), error);
  }
  if (bytes === undefined) throw refuse("there is none");
  if (bytes.length > secretFileBytesMax) {
    throw refuse(`it has more than ${secretFileBytesMax} bytes`);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw refuse("it is not UTF-8 text", error);
  }
  if (kind === "password" && /^(\r?\n|$)/.test(text)) throw refuse("its first line is empty");
  return text;
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? "";
}

/** The person or script to take a password from, and what one is made of. */
export interface PasswordConsole extends Console {
  /** See {@linkcode makePassphrase}. */
  readonly host: { randomBytes(length: number): Uint8Array<ArrayBuffer> };
}

async function ask(context: PasswordConsole, request: PasswordRequest): Promise<string> {
  const { prompts, signal, host } = context;
  const { username, kind } = request;
  if (kind === "login") return await prompts.password(`Password of ${username}:`, signal);
  const question = `New password of ${username} (empty: one is made for you):`;
  const typed = await prompts.password(question, signal);
  const password = typed ||
    await makePassphrase({ bytes: (length) => host.randomBytes(length) });
  // A question vanishes once it is answered: the password does not stay on the screen.
  const again = await prompts.password(
    typed === "" ? `It is: ${password} - write it down, then type it here:` : "The same again:",
    signal,
  );
  if (again === password) return password;
  throw new CamelliaError(
    "no_password",
    "Cannot use the password: the two entries differ. Try again",
  );
}

/** Whether there is a file, a variable or a person that can give a password. */
export function canHavePassword({ flags, io }: Console): boolean {
  return flags.passwordFile !== undefined || io.env("CAMELLIA_PASSWORD") !== undefined ||
    io.terminal.input;
}

/** Whether a person is asked for a new password. */
export function asksForNew({ flags, io }: Pick<Console, "flags" | "io">): boolean {
  return flags.passwordFile === undefined && io.env("CAMELLIA_PASSWORD") === undefined &&
    io.terminal.input;
}

/** Whether a person is asked for a changed password. */
export function asksForChanged({ io }: Console, newPasswordFile?: string): boolean {
  return newPasswordFile === undefined && io.env("CAMELLIA_NEW_PASSWORD") === undefined &&
    io.terminal.input;
}

/**
 * The password for a login where it takes no question: from `--password-file`, else from
 * `CAMELLIA_PASSWORD`. Undefined where there is none, and where there is something wrong with the file, which
 * {@linkcode passwordFor} will say.
 */
export async function passwordAtHand(
  { flags, io }: Pick<Console, "flags" | "io">,
): Promise<string | undefined> {
  if (flags.passwordFile === undefined) return io.env("CAMELLIA_PASSWORD");
  const text = await readSecret(io, flags.passwordFile, "password").catch(() => undefined);
  return text && firstLine(text);
}

/**
 * The password of a user, from the first of `--password-file`, `CAMELLIA_PASSWORD` and a prompt; a
 * changed one from `--new-password-file`, `CAMELLIA_NEW_PASSWORD` and a prompt.
 *
 * @throws {CamelliaError} `no_password`.
 */
export async function passwordFor(
  context: PasswordConsole,
  request: PasswordRequest,
  newPasswordFile?: string,
): Promise<string> {
  const [file, variable, flag] = request.kind === "changed"
    ? [
      newPasswordFile && expandHome(newPasswordFile, context.io),
      "CAMELLIA_NEW_PASSWORD",
      "--new-password-file",
    ]
    : [context.flags.passwordFile, "CAMELLIA_PASSWORD", "--password-file"];
  if (file !== undefined) return firstLine(await readSecretFile(context, file, "password"));
  const fromEnvironment = context.io.env(variable);
  if (fromEnvironment !== undefined) return fromEnvironment;
  if (context.io.terminal.input) return await ask(context, request);
  const wanted = request.kind === "login" ? "the password" : "a new password";
  throw new CamelliaError(
    "no_password",
    `Cannot go on without ${wanted} of ${request.username}: standard input is not a terminal to ask on. ` +
      `Give it with ${flag} FILE or in ${variable}`,
  );
}
