/** The composition root with real adapters, inside this process. */

import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadLibraries } from "../composition.ts";
import { createHost } from "../main.ts";
import { v8Flags } from "../tools/v8_flags.ts";
import { run } from "../ui/cli.ts";
import { SystemIo } from "../ui/terminal/system_io.ts";
import "./e2e/cheap_derivation.ts";
import { FakeIo } from "./ui/fake_io.ts";

// Before the tests, as they are to leave nothing behind and libraries stay.
await loadLibraries(".");

const password = "correct horse battery 7 staple";

/** A folder of its own, and commands run on it over real sockets and files. */
class Place {
  readonly folder: string;
  readonly flags = ["--ip", "127.0.0.1", "-p", "0", "--listening-ip", "127.0.0.1", "-l", "0"];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Place> {
    return new Place(await Deno.makeTempDir());
  }

  /** What the processes started from now on find in their environment. */
  readonly variables: Record<string, string> = { CAMELLIA_PASSWORD: password };
  /** The data folder of the processes started from now on. */
  data = "data";

  async start(...args: readonly string[]): Promise<{ io: FakeIo; ended: Promise<number> }> {
    const io = new FakeIo();
    const disk = new SystemIo();
    io.readFile = (path: string, bytesMax = 0) => disk.readFile(path, bytesMax);
    io.variables = { ...this.variables };
    const data = ["--data", join(this.folder, this.data)];
    const all = [...data, ...this.flags, "--ntp-server", "none", "--json", ...args];
    return { io, ended: run(all, { io, host: await createHost() }) };
  }

  async run(...args: readonly string[]): Promise<{ code: number; value: Record<string, unknown> }> {
    const { io, ended } = await this.start(...args);
    const code = await ended;
    return { code, value: JSON.parse(code === 0 ? io.stdout : io.stderr) };
  }

  async error(...args: readonly string[]): Promise<unknown> {
    const { code, value } = await this.run(...args);
    assert.equal(code, 1);
    return (value["error"] as { code: string }).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("Adapters become a peer that registers, posts, and has it all again afterwards", async () => {
  await using place = await Place.make();
  const registered = await place.run("register", "alice", "--init");
  assert.equal(registered.value["username"], "alice");
  const posted = await place.run("post", "hello", "--init");
  assert.equal(posted.code, 0);
  const { value } = await place.run("timeline", "--init");
  const { post } = posted.value as { post: Record<string, unknown> };
  assert.deepEqual(value["posts"], [{ ...post, read: true }]);
  assert.deepEqual((await place.run("whoami")).value, registered.value);
});

Deno.test("The key of the user who logs in is derived once, before what runs a peer is loaded", async () => {
  await using place = await Place.make();
  await place.run("register", "alice", "--init");
  const { deriveBits } = crypto.subtle;
  let derived = 0;
  crypto.subtle.deriveBits = (...args) => {
    derived++;
    return deriveBits.apply(crypto.subtle, args);
  };
  try {
    let derivedAtLoad = 0;
    const host = await createHost(() => {
      derivedAtLoad = derived;
      return import("../composition.ts");
    });
    const data = join(place.folder, "data");
    const folder = await host.openFolder(data, () => Promise.resolve({ password }));
    await folder.close();
    assert.equal(derivedAtLoad, 1);
    for (const args of [["post", "hello"], ["register", "bob"]]) {
      derived = 0;
      assert.equal((await place.run(...args, "--init")).code, 0);
      assert.equal(derived, 1, args[0]);
    }
    assert.equal(await place.error("post", "x", "--init", "--user", "carol"), "unknown_user");
  } finally {
    crypto.subtle.deriveBits = deriveBits;
  }
});

Deno.test("A running peer is reached through its loopback port, and locks its folder", async () => {
  await using place = await Place.make();
  const node = await place.start("node", "--init");
  await node.io.until(() => node.io.stdout.includes('"ready"'));
  const { node_id } = JSON.parse(node.io.stdout.split("\n")[0] ?? "");
  const { value } = await place.run("status");
  assert.equal((value["node"] as { id: string }).id, node_id);
  assert.equal(await place.error("node"), "folder_in_use");
  assert.equal((await place.run("register", "bob")).value["username"], "bob");
  assert.equal((await place.run("logout")).code, 0);
  node.io.interrupt();
  assert.equal(await node.ended, 0);
  const again = await place.start("node", "--init");
  await again.io.until(() => again.io.stdout.includes('"ready"'));
  assert.equal(JSON.parse(again.io.stdout.split("\n")[0] ?? "").node_id, node_id);
  again.io.interrupt();
  assert.equal(await again.ended, 0);
});

Deno.test("What an adapter refuses at the start leaves nothing open and the folder free", async () => {
  await using place = await Place.make();
  const udp = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    const port = String((udp.addr as Deno.NetAddr).port);
    assert.equal(await place.error("status", "-p", port), "udp_port_in_use");
    assert.equal(await place.error("status", "--ip", "192.0.2.1"), "address_unavailable");
    const tcpPort = String(tcp.addr.port);
    // A registration receives nothing, so that it needs no port; posting does.
    assert.equal((await place.run("register", "bob", "--init", "-l", tcpPort)).code, 0);
    assert.equal(await place.error("post", "x", "--init", "-l", tcpPort), "tcp_port_in_use");
  } finally {
    udp.close();
    tcp.close();
  }
  assert.equal((await place.run("status", "--init")).code, 0);
  assert.equal((await place.run("whoami", "--user", "nobody")).code, 1);
});

Deno.test("A sealed account that is damaged is left out of the accounts", async () => {
  await using place = await Place.make();
  await place.run("register", "alice", "--init");
  await Deno.writeFile(join(place.folder, "data", "keys", "carol.key"), new Uint8Array(99));
  assert.equal((await place.run("whoami")).value["username"], "alice");
  assert.equal(await place.error("whoami", "--user", "carol"), "not_logged_in");
});

Deno.test("A changed password is the only one; an account moves by file where the network has no keys", async () => {
  await using place = await Place.make();
  const config = join(place.folder, "private.ini");
  await Deno.writeTextFile(config, "[PRIVACY]\nPUBLISH_PRIVATE = no\n[BOOTSTRAP]\nINIT = yes\n");
  const flags = ["--config", config];
  const alice = (await place.run("register", "alice", ...flags)).value;
  place.variables["CAMELLIA_NEW_PASSWORD"] = "another horse 9 battery staple";
  assert.equal((await place.run("passwd", ...flags)).code, 0);
  assert.equal(await place.error("post", "x", ...flags), "wrong_password");
  place.variables["CAMELLIA_PASSWORD"] = place.variables["CAMELLIA_NEW_PASSWORD"];
  const file = join(place.folder, "alice.account");
  assert.equal((await place.run("account", "export", file, ...flags)).code, 0);

  const node = await place.start("node", ...flags);
  await node.io.until(() => node.io.stdout.includes('"ready"'));
  const { udp } = JSON.parse(node.io.stdout.split("\n")[0] ?? "");
  place.data = "elsewhere";
  const joined = ["--bootstrap", `127.0.0.1:${udp.port}`];
  assert.equal((await place.run("login", "alice", ...joined)).code, 1);
  assert.deepEqual((await place.run("account", "import", file, ...joined)).value, alice);
  assert.deepEqual((await place.run("login", "alice", ...joined)).value, alice);
  assert.equal(await place.error("account", "import", config, ...joined), "invalid_file");
  node.io.interrupt();
  assert.equal(await node.ended, 0);
});

Deno.test("Version and help load no addon", async () => {
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  for (const flag of ["--version", "--help"]) {
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "--no-prompt", "-A", "--deny-ffi", "--deny-net", main, flag],
    }).output();
    assert.ok(success, flag);
    assert.match(
      new TextDecoder().decode(stdout),
      flag === "--help" ? /Usage/ : /^\d+\.\d+\.\d+\n$/,
    );
  }
});

Deno.test("What a service starts is told the same of memory as the task, and keeps no code for later", async () => {
  const { tools } = await createHost();
  const invocation = await tools.invocation();
  for (const flag of [v8Flags, "--no-code-cache"]) assert.ok(invocation.includes(flag), flag);
});
