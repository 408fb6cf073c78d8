import assert from "node:assert/strict";
import { join } from "node:path";
import { launchdPlist, scheduledTask, systemdUnit } from "../../../ui/shell/service_files.ts";
import { serviceManager } from "../../../ui/shell/services.ts";

const plan = {
  command: ["/opt/a b/camellia", "up", "--data", '/srv/100% "x" $HOME\\', "<&>"],
  dataFolder: "/srv/100% $x",
};

Deno.test("A unit quotes every word, and may write to the data folder alone", () => {
  const lines = systemdUnit(plan).split("\n");
  const line = (key: string) => lines.find((line) => line.startsWith(`${key}=`));
  assert.equal(
    line("ExecStart"),
    'ExecStart="/opt/a b/camellia" "up" "--data" "/srv/100%% \\"x\\" $$HOME\\\\" "<&>"',
  );
  assert.equal(line("ReadWritePaths"), 'ReadWritePaths="/srv/100%% $x"');
  for (
    const wanted of ["NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes", "UMask=0077"]
  ) {
    assert.ok(lines.includes(wanted), wanted);
  }
});

Deno.test("A property list and a task escape what XML and Windows take specially", () => {
  assert.match(launchdPlist(plan), /<string>\/srv\/100% &quot;x&quot; \$HOME\\<\/string>/);
  assert.match(launchdPlist(plan), /<string>&lt;&amp;&gt;<\/string>/);
  const task = scheduledTask(plan);
  assert.match(task, /<Command>\/opt\/a b\/camellia<\/Command>/);
  const args = '"up" "--data" "/srv/100% \\"x\\" $HOME\\\\" "<&>"';
  const escaped = args.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
  assert.ok(task.includes(`<Arguments>${escaped}</Arguments>`), task);
});

Deno.test("Each file is written in the encoding that its first line says", () => {
  const odd = { ...plan, dataFolder: "/srv/Ünïcödé 🐪" };
  const read = (os: string, encoding: string) =>
    new TextDecoder(encoding, { fatal: true }).decode(
      serviceManager(os, "/home/a", "/data").bytes(odd),
    );
  assert.equal(read("windows", "utf-16le"), scheduledTask(odd));
  assert.equal(serviceManager("windows", "C:", "/data").bytes(odd)[0], 0xff);
  assert.match(scheduledTask(odd), /^<\?xml version="1\.0" encoding="UTF-16"\?>/);
  assert.equal(read("darwin", "utf-8"), launchdPlist(odd));
  assert.equal(read("linux", "utf-8"), systemdUnit(odd));
});

Deno.test("Each system has its manager, and tells whether the service runs", () => {
  const linux = serviceManager("linux", "/home/a", "/data");
  assert.deepEqual([linux.isRunning("active\n"), linux.isRunning("inactive\n")], [true, false]);
  const mac = serviceManager("darwin", "/Users/a", "/data");
  assert.equal(mac.file, "/Users/a/Library/LaunchAgents/camellia.peer.plist");
  assert.deepEqual([mac.isRunning('{\n\t"PID" = 17;\n}'), mac.isRunning("{}")], [true, false]);
  const windows = serviceManager("windows", "C:", "/data");
  assert.equal(windows.file, "/data/service.xml");
  assert.deepEqual(
    [windows.isRunning("Status: Running"), windows.isRunning("Status: Ready")],
    [true, false],
  );
});

const analyze = await new Deno.Command("systemd-analyze", { args: ["--version"], stdout: "null" })
  .output().then(({ success }) => success, () => false);

Deno.test({
  name: `systemd takes the unit${analyze ? "" : " (ignored: there is no systemd-analyze)"}`,
  ignore: !analyze,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const path = join(folder, "camellia.service");
      const command = [Deno.execPath(), "up", "--data", '/srv/100% "x" $HOME\\'];
      await Deno.writeTextFile(path, systemdUnit({ command, dataFolder: folder }));
      const { success, stderr, stdout } = await new Deno.Command("systemd-analyze", {
        args: ["verify", "--man=no", path],
      }).output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      // Units that others have installed are looked at as well.
      const ours = said.split("\n").filter((line) => line.includes("camellia"));
      assert.deepEqual([success || ours.length === 0, ours], [true, []], said);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
