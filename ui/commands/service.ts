/**
 * `service`: has the system run a user's peer.
 *
 * @module
 */

import { join } from "node:path";
import { CamelliaError } from "../../core/model/errors.ts";
import { utf8 } from "../../core/model/bytes.ts";
import { delay } from "../../lib/waiting.ts";
import { chooseUser, inFolder, runningPeer } from "../peer/access.ts";
import type { Context, ToolResult } from "../peer/host.ts";
import { passwordFor } from "../prompts/password_source.ts";
import { type Call, serviceManager, serviceName } from "../shell/services.ts";
import { safeLine, safeText } from "../terminal/safe_text.ts";
import { withSpinner } from "../terminal/spinner.ts";

/** The password of the service, in the data folder: only its owner may read it. */
const passwordName = "service-password";

/** The log, as `--log-file` writes it. */
const logPath = ["log", "camellia.log"] as const;

/** A peer logs in within seconds, also where no node answers. */
const startWaitMs = 20_000;
const startLookMs = 200;

/** More than the 1,000,000 bytes at which `storage/log_file.ts` begins a new file. */
const logBytesMax = 1_100_000;

/** Lines that `service logs` shows. */
const linesDefault = 50;

function managerOf({ io, dataFolder }: Context) {
  return serviceManager(io.os, io.env("HOME") ?? dataFolder, dataFolder);
}

function failed(why: string): CamelliaError {
  return new CamelliaError("service_failed", why);
}

/** Runs a program of the system; undefined where there is none of that name. */
function runTool({ host }: Context, [program, ...args]: Call): Promise<ToolResult | undefined> {
  return host.tools.run(program, args);
}

/** Runs programs of the system, one after another. */
async function runAll(context: Context, calls: readonly Call[]): Promise<void> {
  const { name } = managerOf(context);
  for (const call of calls) {
    const result = await runTool(context, call);
    if (result === undefined) {
      throw failed(
        `Cannot use ${name}: there is no ${
          call[0]
        } here. Have "camellia up" started in another way`,
      );
    }
    if (result.code !== 0) {
      const said = safeText(result.printed.trim()) || `exit code ${result.code}`;
      throw failed(`${name} refused: ${call.join(" ")}: ${said}`);
    }
  }
}

/** The command that the service runs: what the flags of this one say goes on to hold. */
async function commandOf(
  { host, dataFolder, flags }: Context,
  username: string,
): Promise<string[]> {
  const { config, logLevel } = flags;
  return [
    ...await host.tools.invocation(),
    ...["up", "--user", username, "--data", dataFolder, "--log-file", "--log-level", logLevel],
    ...["--password-file", join(dataFolder, passwordName)],
    ...(config === undefined ? [] : ["--config", config]),
  ];
}

/**
 * Keeps the password for the service. No peer is started to check it: a process that has run one may start
 * no program any more. The service does, and it is waited for.
 */
async function keepPassword(context: Context): Promise<string> {
  const locked = await context.host.openFolder(context.dataFolder);
  return await inFolder(locked, async (folder) => {
    const username = await chooseUser(context, folder);
    const password = await passwordFor(context, { username, kind: "login" });
    await folder.writePrivate(passwordName, utf8(`${password}\n`));
    return username;
  });
}

/** Waits until the service's peer has logged its user in; whether it has. */
async function isUp(context: Context): Promise<boolean> {
  const { io, signal } = context;
  const giveUpAt = io.monotonic() + startWaitMs;
  while (io.monotonic() < giveUpAt) {
    const peer = await runningPeer(context);
    try {
      if (peer !== undefined && (await peer.api.status()).user !== null) return true;
    } catch {
      // It is starting, or has ended.
    } finally {
      peer?.close();
    }
    await delay(io, startLookMs, signal);
  }
  return false;
}

/** Removes the password. The lock is not asked for: a peer that is still ending needs it no more. */
async function forgetPassword({ host, dataFolder }: Context): Promise<void> {
  await host.tools.remove(join(dataFolder, passwordName));
}

/** Takes back what an installation that failed has done, as far as that goes; says where it does not go. */
async function takeBack(context: Context): Promise<void> {
  const { uninstall, file } = managerOf(context);
  const steps = [
    async () => {
      for (const call of uninstall) await runTool(context, call);
    },
    () => context.host.tools.remove(file),
    () => forgetPassword(context),
  ];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      // The error of the installation is the one to tell.
      await context.output.note(`Not all of it could be taken back: ${safeText(`${error}`)}`);
    }
  }
}

/** `service install`. */
export async function install(context: Context): Promise<void> {
  const manager = managerOf(context);
  const { io, output, host, dataFolder } = context;
  // Before anything is asked: whether there is a manager of services at all.
  if (await runTool(context, manager.status) === undefined) {
    return await runAll(context, [manager.status]);
  }
  const user = await keepPassword(context);
  try {
    const command = await commandOf(context, user);
    await host.tools.write(manager.file, manager.bytes({ command, dataFolder }));
    await runAll(context, manager.install);
    if (!await withSpinner(io, "Waiting for the service", isUp(context))) {
      const [last = "nothing"] = (await logLines(context) ?? []).slice(-1);
      throw failed(
        `The service was started, and its peer has not logged ${user} in. Its log says: ${last}`,
      );
    }
  } catch (error) {
    await takeBack(context);
    throw error;
  }
  await output.line(
    { service: serviceName, user, file: manager.file },
    () => `${manager.name} runs the peer of ${user} from now on (${manager.file})`,
  );
}

/** `service uninstall`. */
export async function uninstall(context: Context): Promise<void> {
  const manager = managerOf(context);
  await runAll(context, manager.uninstall);
  await context.host.tools.remove(manager.file);
  await forgetPassword(context);
  await context.output.line(
    { service: serviceName, file: manager.file },
    () => "The service is gone; the account and its posts are still there",
  );
}

/** `service status`. */
export async function showStatus(context: Context): Promise<void> {
  const manager = managerOf(context);
  const installed = await context.io.readFile(manager.file, 1) !== undefined;
  const result = installed ? await runTool(context, manager.status) : undefined;
  const running = result !== undefined && manager.isRunning(result.printed);
  const text = !installed ? "not installed" : running ? "running" : "installed, and not running";
  const { file } = manager;
  await context.output.line({ service: serviceName, installed, running, file }, () => text);
}

/** The lines of the service's log; undefined where there is none. */
async function logLines({ io, dataFolder }: Context): Promise<string[] | undefined> {
  const bytes = await io.readFile(join(dataFolder, ...logPath), logBytesMax);
  if (bytes === undefined) return undefined;
  const text = new TextDecoder().decode(bytes).trimEnd();
  return text === "" ? [] : text.split("\n").map(safeLine);
}

/** `service logs`. */
export async function showLogs(
  context: Context,
  given: { readonly lines?: number },
): Promise<void> {
  const lines = (await logLines(context))?.slice(-(given.lines ?? linesDefault));
  if (lines === undefined) throw failed(`There is no log in ${context.dataFolder} yet`);
  await context.output.line({ lines }, () => lines.join("\n"));
}
