/**
 * What the menu asks when it is started for the first time and no network is configured.
 *
 * @module
 */

import { utf8 } from "../../core/model/bytes.ts";
import type { Context, OpenFolder } from "../peer/host.ts";
import { parseHostPort } from "../settings/endpoint.ts";
import { formatHostPort } from "../../lib/host_port.ts";
import { Interruption } from "../output/failure.ts";
import type { PeerSettings } from "../settings/settings.ts";
import { configName } from "../settings/places.ts";
import { wrapText } from "../terminal/width.ts";
import { askInvite } from "./invite_actions.ts";

const written =
  `; Written by the menu at the first start. Every key is explained in the config.ini that comes
; with the program.

[BOOTSTRAP]
`;

/** Keeps the answer for the next start, unless there is a configuration already. */
async function remember(context: Context, folder: OpenFolder, lines: string): Promise<void> {
  const path = `${folder.path}/${configName}`;
  const exists = context.flags.config !== undefined ||
    await context.io.readFile(path, 0) !== undefined;
  if (!exists) await folder.writePrivate(configName, utf8(`${written}${lines}\n`));
}

/** How the peer finds the network. */
export interface NetworkChoice {
  /** The settings, with what the person has answered. */
  readonly settings: PeerSettings;
  /** The invite that the person has, to be used once the peer runs. */
  readonly invite?: string;
}

/** A network to join, asked for where none was configured and there is no account yet. */
export async function askForNetwork(
  context: Context,
  folder: OpenFolder,
  settings: PeerSettings,
): Promise<NetworkChoice> {
  const { io, prompts, signal } = context;
  const isConfigured = settings.bootstrap.length > 0 || settings.firstNode;
  if (isConfigured || (await folder.accounts()).length > 0) return { settings };
  const welcome =
    "Welcome to Camellia. There is no server: your peer joins the others through any one of them.";
  await io.out(`${wrapText(welcome, io.size().columns - 1).join("\n")}\n`);
  const answer = await prompts.choice({
    message: "How does your peer find the network?",
    choices: [
      { value: "invite", name: "I have an invite" },
      { value: "join", name: "I know the address of a peer or node" },
      { value: "init", name: "Start a new network with this peer" },
      { value: "later", name: "Go on without; I will configure it later" },
      { value: "quit", name: "Quit" },
    ],
  }, signal);
  if (answer === "quit") throw new Interruption("choice");
  if (answer === "invite") {
    const invite = await askInvite(context, "go on without");
    return invite === undefined ? { settings } : { settings, invite };
  }
  if (answer === "init") {
    await remember(context, folder, "INIT = yes");
    return { settings: { ...settings, firstNode: true } };
  }
  if (answer === "later") return { settings };
  const text = await prompts.text({
    message: "Its address, HOST:PORT:",
    problem: (given) =>
      parseHostPort(given.trim()) === undefined
        ? "That is not HOST:PORT, such as node.example.org:8000 or 192.0.2.7:8000"
        : undefined,
  }, signal);
  const node = parseHostPort(text.trim());
  if (node === undefined) return { settings };
  await remember(context, folder, `NODES = ${formatHostPort(node.host, node.port)}`);
  return { settings: { ...settings, bootstrap: [node] } };
}
