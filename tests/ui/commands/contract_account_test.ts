/** What the commands on accounts, devices and invites print for scripts is what docs/cli/ promises. */

import { join } from "node:path";
import { CamelliaError } from "../../../core/model/errors.ts";
import { writeInvite } from "../../../core/model/invite.ts";
import { userNamed } from "../../sim/users.ts";
import { FakePeer } from "../fake_peer.ts";
import { Contract, onAccounts } from "../contract.ts";
import { Machine } from "../fake_io.ts";

/** Does something in a folder that is removed afterwards. */
async function inTemporary(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function accounts(contract: Contract): Promise<void> {
  const { machine } = contract;
  const { io } = machine;
  await contract.run("whoami");
  await contract.run("register", "bob");
  await contract.run("login", "alice");
  await contract.run("account-words");
  io.variables["CAMELLIA_NEW_PASSWORD"] = "changed";
  await contract.run("passwd");
  machine.writeFile("/words", (await FakePeer.words("alice")).join(" "));
  await contract.run("account-recover", "alice", "--words-file", "/words");
  await inTemporary((folder) =>
    contract.run("account-export", join(folder, "account")).then(() => {})
  );
  machine.writeFile("/moved", "sealed:carol");
  await contract.run("account-import", "/moved");
  await contract.run("logout", "--user", "bob");
  await contract.run("account-close", "--yes", "--user", "bob");
}

async function friends(contract: Contract): Promise<void> {
  const { machine: { io } } = contract;
  // A join waits a moment for posts: the clock runs twenty times as fast.
  const { after, monotonic } = io;
  io.after = (ms, fn) => after.call(io, ms / 20, fn);
  io.monotonic = () => monotonic.call(io) * 20;
  const nodes = [{ ip: "192.0.2.7", port: 8000 }];
  const invite = writeInvite({ inviter: userNamed("erin"), nodes });
  await contract.run("invite");
  await contract.run("invite", "--once");
  await contract.run("join", invite, "alice");
  contract.prepare = (peer) => {
    peer.accept = () => Promise.reject(new CamelliaError("no_answer", "No holder answers."));
    peer.reach = { state: "unreachable", relays: 0, outer_ip: null, addresses: [] };
    const addresses = ["[2001:db8::1]:7000", "relay/192.0.2.1:7000"];
    peer.others = [{ device: 17, this: false, addresses, until: "2026-01-01T00:10:00.000Z" }];
  };
  await contract.run("join", invite);
  await contract.run("invite");
  await contract.run("devices");
  await contract.run("devices-remove", "17");
}

Deno.test("What the commands on accounts, devices and invites print is what docs/cli/ describes, field by field", async () => {
  const contract = new Contract(await Machine.withAlice());
  await accounts(contract);
  await friends(contract);
  contract.proves((command) => onAccounts.has(command));
});
