/**
 * What the system is told of a peer that it is to run: a unit of systemd, a property list of launchd, a
 * scheduled task of Windows.
 *
 * Pure: values in, text out. systemd.exec(5) and systemd.syntax(7), launchd.plist(5), and the schema of
 * the Task Scheduler have the rules.
 *
 * @module
 */

/** A peer to be run as a service. */
export interface ServicePlan {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The data folder, absolute: all that the service may write. */
  readonly dataFolder: string;
}

/** How long a service waits before it starts again after a failure, such as a network that is not there yet. */
const restartSeconds = 10;

/** A word of a command line in a unit: quoted, with nothing in it special. */
function unitWord(text: string): string {
  const quoted = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `"${quoted.replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}

/** A path in a unit, where a dollar is a dollar. */
function unitPath(text: string): string {
  return unitWord(text).replaceAll("$$", "$");
}

/**
 * A unit of the user's systemd. It may write its data folder and nothing else. Memory that is written and
 * run is not denied, because V8 compiles.
 */
export function systemdUnit({ command, dataFolder }: ServicePlan): string {
  return `[Unit]
Description=Camellia, a timeline without servers
Documentation=man:camellia(1)

[Service]
ExecStart=${command.map(unitWord).join(" ")}
Restart=on-failure
RestartSec=${restartSeconds}
TimeoutStopSec=30
UMask=0077
LimitNOFILE=65536
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=${unitPath(dataFolder)}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`;
}

/** Text in XML. */
function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** The label of the property list. */
export const launchdLabel = "camellia.peer";

/** A property list of launchd. */
export function launchdPlist({ command, dataFolder }: ServicePlan): string {
  const words = command.map((word) => `    <string>${xml(word)}</string>`).join("\n");
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${launchdLabel}</string>
  <key>ProgramArguments</key>
  <array>
${words}
  </array>
  <key>WorkingDirectory</key>
  <string>${xml(dataFolder)}</string>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>${restartSeconds}</integer>
  <key>Umask</key>
  <integer>63</integer>
  <key>ProcessType</key>
  <string>Background</string>
</dict>
</plist>
`;
}

/** A word of a command line of Windows (CommandLineToArgvW): backslashes count double before a quote. */
function windowsWord(text: string): string {
  return `"${text.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, "$1$1")}"`;
}

/** A text as UTF-16, little endian, with the byte order mark that tells so. */
export function utf16(text: string): Uint8Array {
  const marked = `\ufeff${text}`;
  const bytes = new Uint8Array(2 * marked.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < marked.length; i++) view.setUint16(2 * i, marked.charCodeAt(i), true);
  return bytes;
}

/**
 * A scheduled task of Windows, to be written as {@linkcode utf16}: schtasks refuses a file that is in another
 * encoding than its first line says. It starts when its user logs on and again after a failure.
 */
export function scheduledTask(
  { command: [program = "", ...rest], dataFolder }: ServicePlan,
): string {
  return `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers>
    <LogonTrigger />
  </Triggers>
  <Principals>
    <Principal>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions>
    <Exec>
      <Command>${xml(program)}</Command>
      <Arguments>${xml(rest.map(windowsWord).join(" "))}</Arguments>
      <WorkingDirectory>${xml(dataFolder)}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`;
}
