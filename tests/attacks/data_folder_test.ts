/** Attacks by whoever copied a data folder. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { CamelliaError } from "../../core/model/errors.ts";
import { toHex, utf8 } from "../../core/model/bytes.ts";
import type { Endpoint, Keys, Links, Ports, Stores } from "../../core/ports.ts";
import { Accounts } from "../../core/accounts/accounts.ts";
import { SystemClock } from "../../net/system/system_time.ts";
import { KeyFiles } from "../../storage/key_files.ts";
import { KvStores } from "../../storage/user_store.ts";
import { SimDirectoryNetwork } from "../sim/directory.ts";
import { simJudge } from "../sim/password_judge.ts";
import { simReach } from "../sim/reach.ts";
import { SeededRandom } from "../sim/random.ts";
import { inFolder } from "../storage/folder.ts";

const password = "seven green lanterns drift";
const listening: Endpoint = { ip: "127.0.0.1", port: 7000 };

/** Accounts on a real data folder and a simulated network. */
function accountsOn(
  network: SimDirectoryNetwork,
  keys: Keys,
  stores: Stores,
): Accounts {
  const links: Pick<Links, "status"> = { status: () => ({ listening, open: 0 }) };
  const outside = {
    clock: new SystemClock(),
    directory: network.directory(),
    links: links as Links,
  };
  const ports: Ports = {
    ...outside,
    random: new SeededRandom("data folder"),
    reach: simReach(outside),
    stores,
    keys,
  };
  const derivation = { memoryKiB: 8, passes: 1, lanes: 1 };
  const settings = { derivation, publishPrivate: true, firstNode: true };
  return new Accounts({ ports, settings, passwordJudge: simJudge, emit: () => {} });
}

/** All bytes of all files of a folder. */
async function everythingIn(folder: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) parts.push(await readFile(join(entry.parentPath, entry.name)));
  }
  return Buffer.concat(parts);
}

Deno.test("Attack: a data folder is copied, while its user is logged in, and is worth nothing without the password", () =>
  inFolder((parent) => copyAndTry(join(parent, "original"), join(parent, "copy"))));

async function copyAndTry(original: string, copy: string): Promise<void> {
  await Deno.mkdir(original);
  const network = new SimDirectoryNetwork(new SystemClock());
  const stores = new KvStores(original);
  const keys = await KeyFiles.open(original);
  const account = await accountsOn(network, keys, stores).register({ username: "alice", password });
  const { identity, device } = account.session;
  const seed = identity.exportSeed();
  const secrets = [seed, identity.linkKeys(device).secretKey, utf8(password)];
  await cp(original, copy, { recursive: true });
  await account.session.close();
  const bytes = await everythingIn(copy);
  assert(bytes.includes("alice"), "the database was written");
  for (const secret of secrets) {
    assert(!bytes.includes(Buffer.from(secret)), "a secret lies in the folder");
    assert(!bytes.includes(toHex(secret)), "a secret lies in the folder, in hex");
    assert(!bytes.includes(Buffer.from(secret).toString("base64").slice(0, 40)));
  }
  const thief = accountsOn(network, await KeyFiles.open(copy), new KvStores(copy));
  for (const guess of ["", "alice", `${password} `, password.toUpperCase()]) {
    await assert.rejects(
      thief.login({ username: "alice", password: guess }),
      (error) => error instanceof CamelliaError && error.code === "wrong_password",
    );
  }
  const owner = await thief.login({ username: "alice", password });
  assert.deepEqual(owner.session.identity.exportSeed(), seed);
  await owner.session.close();
}
