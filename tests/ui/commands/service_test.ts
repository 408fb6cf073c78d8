import assert from "node:assert/strict";
import { Machine } from "../fake_io.ts";

const unit = "/home/user/.config/systemd/user/camellia.service";

function text(m: Machine, path: string): string {
  return new TextDecoder().decode(m.io.files.get(path));
}

/** A machine with a systemd that starts the service as a process of its own. */
async function withSystemd(): Promise<Machine & { service?: ReturnType<Machine["start"]> }> {
  const m: Machine & { service?: ReturnType<Machine["start"]> } = await Machine.withAlice();
  m.host.tool = (call) => {
    if (call.includes("enable --now")) {
      delete m.io.variables["CAMELLIA_PASSWORD"];
      m.service = m.start(..."up --user alice --password-file /data/service-password".split(" "));
    }
    if (call.includes("disable")) m.service?.io.interrupt();
    return { code: 0, printed: m.service === undefined ? "inactive\n" : "active\n" };
  };
  return m;
}

Deno.test("A service is installed, shown and removed, with its password in a private file", async () => {
  const m = await withSystemd();
  const off = { service: "camellia", installed: false, running: false, file: unit };
  assert.deepEqual(await m.json("service", "status"), off);
  const installed = { service: "camellia", user: "alice", file: unit };
  assert.deepEqual(await m.json("service", "install"), installed);
  assert.deepEqual(m.host.called, [
    "systemctl --user is-active camellia.service",
    "systemctl --user daemon-reload",
    "systemctl --user enable --now camellia.service",
  ]);
  assert.equal(text(m, "/data/service-password"), "secret\n");
  const written = text(m, unit);
  assert.ok(!written.includes("secret"));
  assert.match(
    written,
    /^ExecStart="\/usr\/bin\/camellia" "up" "--user" "alice" "--data" "\/data" "--log-file" .*"--password-file" "\/data\/service-password"$/m,
  );
  assert.deepEqual(await m.json("service", "status"), { ...off, installed: true, running: true });
  assert.equal((await m.run("service", "status")).out, "running\n");
  assert.deepEqual(await m.json("service", "uninstall"), { service: "camellia", file: unit });
  assert.equal(await m.service?.ended, 0);
  assert.ok(!m.io.files.has(unit) && !m.io.files.has("/data/service-password"));
});

Deno.test("Without a manager of services it is said in words, and nothing is asked or written", async () => {
  const m = await Machine.withAlice();
  m.io.terminal.input = true;
  const files = new Set(m.io.files.keys());
  const { error, message } = await m.failure("service", "install");
  assert.equal(error, "service_failed");
  assert.match(message, /^Cannot use systemd: there is no systemctl here\. Have "camellia up"/);
  assert.deepEqual(m.asked, []);
  assert.deepEqual(new Set(m.io.files.keys()), files);
});

Deno.test("An installation that fails leaves nothing, and says what the system or the log says", async () => {
  const refused = await Machine.withAlice();
  refused.host.tool = (call) => ({
    code: call.includes("daemon-reload") ? 1 : 0,
    printed: call.includes("daemon-reload") ? "Failed to connect to bus\n" : "",
  });
  const said = await refused.failure("service", "install");
  assert.match(
    said.message,
    /^systemd refused: systemctl .*daemon-reload: Failed to connect to bus$/,
  );
  const silent = await Machine.withAlice();
  silent.host.tool = () => ({ code: 0, printed: "" });
  silent.writeFile(
    "/data/log/camellia.log",
    "old\n2026 error: Cannot log in: the password is wrong\n",
  );
  let now = 0;
  silent.io.monotonic = () => now += 5_000;
  silent.io.after = (_ms, fn) => {
    queueMicrotask(fn);
    return { cancel: () => {} };
  };
  const { message } = await silent.failure("service", "install");
  assert.match(
    message,
    /has not logged alice in\. Its log says: 2026 error: .* password is wrong$/,
  );
  assert.ok(silent.host.called.includes("systemctl --user disable --now camellia.service"));
  for (const m of [refused, silent]) {
    assert.ok(!m.io.files.has(unit) && !m.io.files.has("/data/service-password"));
    assert.equal(m.host.locked.size, 0);
  }
});

Deno.test("What cannot be taken back of a failed installation does not hide why it failed", async () => {
  const m = await Machine.withAlice();
  m.host.tool = (call) => {
    if (call.includes("disable")) throw new Error("the bus is gone");
    return { code: call.includes("enable") ? 1 : 0, printed: "no lingering\n" };
  };
  const { remove } = m.host.tools;
  Object.assign(m.host.tools, {
    remove: (path: string) =>
      path === unit ? Promise.reject(new Error("it is read-only")) : remove(path),
  });
  const { message } = await m.failure("service", "install");
  assert.match(message, /^systemd refused: .*enable --now.*: no lingering$/);
  assert.ok(!m.io.files.has("/data/service-password"));
  const { err } = await m.run("service", "install");
  assert.match(err, /taken back: Error: the bus is gone[^]*taken back: Error: it is read-only/);
});

Deno.test("The last lines of the log are shown, made safe", async () => {
  const m = await Machine.withAlice();
  assert.match((await m.failure("service", "logs")).message, /no log in \/data yet/);
  m.writeFile("/data/log/camellia.log", "");
  assert.deepEqual(await m.json("service", "logs"), { lines: [] });
  m.writeFile("/data/log/camellia.log", "one\ntwo\nthree \x1b[31mred\n");
  assert.deepEqual(await m.json("service", "logs", "--lines", "2"), {
    lines: ["two", "three red"],
  });
  assert.equal((await m.run("service", "logs")).out, "one\ntwo\nthree red\n");
});
