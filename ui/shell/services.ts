/**
 * How each system is told to run a peer, to stop it, and to say how it is.
 *
 * @module
 */

import { join } from "node:path";
import {
  launchdLabel,
  launchdPlist,
  scheduledTask,
  type ServicePlan,
  systemdUnit,
  utf16,
} from "./service_files.ts";

/** The programs that manage services, on one system or another. */
export const serviceTools = ["launchctl", "schtasks", "systemctl"] as const;

/** One of them with its arguments. */
export type Call = readonly [program: typeof serviceTools[number], ...args: string[]];

/** A system's way to run services of a user. */
export interface ServiceManager {
  /** Its name for people. */
  readonly name: string;
  /** The file that describes the service. */
  readonly file: string;
  /** What is in that file. */
  readonly bytes: (plan: ServicePlan) => Uint8Array;
  /** Makes it known, starts it, and starts it again with the machine or the user's session. */
  readonly install: readonly Call[];
  /** Stops it, and makes it unknown; the file is removed afterwards. */
  readonly uninstall: readonly Call[];
  /** Succeeds while it is known and, where {@linkcode isRunning} says so, runs. */
  readonly status: Call;
  /** Whether it runs, from what the call for the status printed. */
  readonly isRunning: (printed: string) => boolean;
}

const encoder = new TextEncoder();

/** The name of the unit and of the scheduled task. */
export const serviceName = "camellia";

/** The manager of a system; `home` is the user's home, `dataFolder` where Windows finds the file. */
export function serviceManager(os: string, home: string, dataFolder: string): ServiceManager {
  if (os === "windows") {
    const file = join(dataFolder, "service.xml");
    return {
      name: "the Task Scheduler",
      file,
      bytes: (plan) => utf16(scheduledTask(plan)),
      install: [
        ["schtasks", "/Create", "/F", "/TN", serviceName, "/XML", file],
        ["schtasks", "/Run", "/TN", serviceName],
      ],
      uninstall: [
        ["schtasks", "/End", "/TN", serviceName],
        ["schtasks", "/Delete", "/F", "/TN", serviceName],
      ],
      status: ["schtasks", "/Query", "/FO", "LIST", "/TN", serviceName],
      isRunning: (printed) => /\bRunning\b/.test(printed),
    };
  }
  if (os === "darwin") {
    const file = join(home, "Library", "LaunchAgents", `${launchdLabel}.plist`);
    return {
      name: "launchd",
      file,
      bytes: (plan) => encoder.encode(launchdPlist(plan)),
      install: [["launchctl", "load", "-w", file]],
      uninstall: [["launchctl", "unload", "-w", file]],
      status: ["launchctl", "list", launchdLabel],
      isRunning: (printed) => /"PID" = \d+/.test(printed),
    };
  }
  const unit = `${serviceName}.service`;
  return {
    name: "systemd",
    file: join(home, ".config", "systemd", "user", unit),
    bytes: (plan) => encoder.encode(systemdUnit(plan)),
    install: [
      ["systemctl", "--user", "daemon-reload"],
      ["systemctl", "--user", "enable", "--now", unit],
    ],
    uninstall: [["systemctl", "--user", "disable", "--now", unit]],
    status: ["systemctl", "--user", "is-active", unit],
    isRunning: (printed) => printed.trim() === "active",
  };
}
