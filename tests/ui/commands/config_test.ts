import assert from "node:assert/strict";
import { utf8 } from "../../../core/model/bytes.ts";
import { Machine } from "../fake_io.ts";

const path = "/data/config.ini";

function textOf({ io }: Machine): string {
  return new TextDecoder().decode(io.files.get(path));
}

Deno.test("A setting is written, shown, and taken back", async () => {
  const machine = new Machine();
  const set = await machine.run("config", "set", "bootstrap.nodes", "a.example:1", "b.example:2");
  assert.deepEqual([set.code, set.out], [
    0,
    "bootstrap.nodes is written. That takes effect when the peer is stopped and started again. " +
    "It is now: a.example:1, b.example:2\n",
  ]);
  assert.match(textOf(machine), /\[BOOTSTRAP\]\nNODES = a\.example:1, b\.example:2\n$/);
  assert.equal(
    (await machine.run("config", "get", "Bootstrap.Nodes")).out,
    "a.example:1, b.example:2\n",
  );
  const list = await machine.run("config", "list");
  assert.match(list.out, /^bootstrap\.nodes +a\.example:1, b\.example:2 \(set\) +Nodes to join/);
  assert.match(list.out, /\n\/data\/config\.ini\n$/);
  const { out } = await machine.run("config", "unset", "bootstrap.nodes");
  assert.match(out, /has its default again\..* It is now: none\n$/);
  assert.doesNotMatch(textOf(machine), /NODES/);
  assert.deepEqual(machine.host.started, [], "no peer is needed");
});

Deno.test("Settings are changed while a peer runs on the folder, and nothing is written for no change", async () => {
  const machine = new Machine();
  machine.host.locked.add("/data");
  assert.equal((await machine.run("config", "unset", "reach.relay")).code, 0);
  assert.equal(machine.io.files.has(path), false);
  assert.equal((await machine.run("config", "set", "reach.relay", "no")).code, 0);
  assert.match(textOf(machine), /RELAY = no/);
});

Deno.test("A flag wins over what is written, and that is said", async () => {
  const machine = new Machine();
  const { out } = await machine.run("--port", "9", "config", "set", "default.port", "8001");
  assert.match(out, /a flag wins over it .* It is now: 9\n$/);
  assert.match(textOf(machine), /PORT = 8001/);
});

Deno.test("What is no value, no setting or no file is refused, and nothing is written", async () => {
  const machine = new Machine();
  const refused = async (code: string, ...args: string[]): Promise<string> => {
    const { code: exit, err } = await machine.run("--json", ...args);
    assert.equal(exit, 1);
    const { error } = JSON.parse(err);
    assert.equal(error.code, code);
    return error.message;
  };
  await refused("invalid_argument", "config", "set", "default.port", "70000");
  const unknown = await refused("invalid_argument", "config", "get", "port");
  assert.match(unknown, /Did you mean bootstrap\.port or default\.port\?/);
  assert.match(
    await refused("invalid_argument", "config", "get", "x.relay"),
    /mean reach\.relay\?/,
  );
  await refused("invalid_config", "--config", "/none.ini", "config", "list");
  assert.equal(machine.io.files.has(path), false);
  machine.io.files.set(path, utf8("[DEFAULT]\nPORT = many\n"));
  await refused("invalid_config", "config", "list");
  await refused("invalid_config", "config", "set", "reach.relay", "no");
  assert.equal((await machine.run("config", "set", "default.port", "1")).code, 0);
  assert.equal(textOf(machine), "[DEFAULT]\nPORT = 1\n");
  machine.io.files.set("/mine.ini", utf8("[NTP]\nSERVERS = none\n"));
  assert.equal(
    (await machine.run("--config", "/mine.ini", "config", "get", "ntp.servers")).out,
    "none\n",
  );
  await refused("invalid_argument", "--config", "/mine.ini", "config", "unset", "ntp.servers");
  machine.io.files.set(path, new Uint8Array([0xff]));
  await refused("invalid_config", "config", "list");
});

Deno.test("The data folder is made where there is none, and left unlocked", async () => {
  const machine = new Machine();
  const { folder } = machine.host.system;
  machine.host.system.folder = async (name) => ({ ...await folder(name), kind: "absent" });
  assert.equal((await machine.run("config", "set", "reach.relay", "no")).code, 0);
  assert.equal(machine.host.expected.length, 1);
  assert.deepEqual([...machine.host.locked], []);
});
