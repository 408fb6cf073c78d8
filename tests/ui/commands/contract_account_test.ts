/** What the commands on accounts and on the peer itself print for scripts is what docs/cli/ promises. */

import { join } from "node:path";
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

Deno.test("What the commands on accounts print for scripts is what docs/cli/ describes, field by field", async () => {
  const contract = new Contract(await Machine.withAlice());
  await accounts(contract);
  contract.proves((command) => onAccounts.has(command));
});
