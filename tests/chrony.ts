/**
 * A real NTP server for tests: chrony on an unprivileged loopback port, with a clock that is off by as
 * much as wanted (through faketime).
 *
 * @module
 */

import type { HostPort } from "../lib/host_port.ts";

const programs = ["chronyd", "/usr/sbin/chronyd"];

/** chronyd answers within a fraction of a second; a busy machine may take longer. */
const startTriesMax = 200;
const startPauseMs = 50;

/** A running server. */
export interface Chrony {
  /** Where it listens. */
  readonly address: HostPort;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

async function runs(program: string, ...args: string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, { args, stdout: "null", stderr: "null" });
    return (await command.output()).success;
  } catch {
    return false;
  }
}

async function findProgram(): Promise<string | undefined> {
  for (const program of programs) if (await runs(program, "--version")) return program;
  return undefined;
}

/** Why {@linkcode startChrony} can't work here, to be shown with the ignored test. */
export async function chronyMissing(): Promise<string | undefined> {
  if (!await findProgram()) return "chronyd is not installed or may not be run";
  if (!await runs("faketime", "--version")) return "faketime is not installed or may not be run";
  return undefined;
}

/** Starts a server whose clock is `offsetSeconds` ahead. */
export async function startChrony(offsetSeconds: number): Promise<Chrony> {
  const program = await findProgram();
  if (!program) throw new Error("Cannot start chrony: chronyd is not installed");
  const folder = await Deno.makeTempDir({ prefix: "chrony-" });
  const port = freeUdpPort();
  const pidFile = `${folder}/chronyd.pid`;
  const lines = [
    "local stratum 1",
    `port ${port}`,
    "cmdport 0",
    "bindaddress 127.0.0.1",
    "allow 127.0.0.1",
    `pidfile ${pidFile}`,
  ];
  await Deno.writeTextFile(`${folder}/chrony.conf`, lines.join("\n") + "\n");
  // -d stays in the foreground, -x leaves the machine's clock alone, -U asks for no privileges.
  const user = Deno.uid() === 0 ? ["-u", "root"] : [];
  const args = ["-d", "-x", "-U", ...user, "-f", `${folder}/chrony.conf`];
  const sign = offsetSeconds < 0 ? "-" : "+";
  const child = new Deno.Command("faketime", {
    args: ["-f", `${sign}${Math.abs(offsetSeconds)}s`, program, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const stop = async () => {
    // faketime waits for chronyd as its parent: chronyd is the one to end.
    const pid = Number(await Deno.readTextFile(pidFile).catch(() => ""));
    if (pid > 0) Deno.kill(pid, "SIGTERM");
    else child.kill("SIGTERM");
    await child.status;
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await untilItAnswers(port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: { host: "127.0.0.1", port }, stop };
}

function freeUdpPort(): number {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  socket.close();
  return port;
}

/** Sends client packets (mode 3, version 4) until one comes back. */
async function untilItAnswers(port: number): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  let answered = false;
  const answer = socket.receive().then(() => answered = true, () => {});
  const packet = new Uint8Array(48);
  packet[0] = 0x23;
  for (let tries = 0; !answered && tries < startTriesMax; tries++) {
    await socket.send(packet, { transport: "udp", hostname: "127.0.0.1", port });
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([answer, new Promise((r) => timer = setTimeout(r, startPauseMs))]);
    clearTimeout(timer);
  }
  socket.close();
  await answer;
  if (!answered) throw new Error(`Cannot start chrony: no answer on UDP port ${port}`);
}
