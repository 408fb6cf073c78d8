import assert from "node:assert/strict";
import { fingerprintOf, Identity } from "../../../core/model/identity.ts";
import { CamelliaError, type ErrorCode } from "../../../core/model/errors.ts";
import { equalBytes } from "../../../core/model/bytes.ts";
import { signRecord } from "../../../core/model/record.ts";
import { recordOf } from "../record_of.ts";
import { expiryFor } from "../../../core/model/record_policy.ts";
import { zxcvbnJudge } from "../../../core/accounts/password_strength.ts";
import type { OpenAccount } from "../../../core/accounts/open_account.ts";
import {
  changed,
  type Device,
  type DeviceOptions,
  otherPassword,
  password,
  World,
} from "../accounts_world.ts";
import { identityOf } from "../../sim/users.ts";

// The dictionaries are loaded in real time, which the simulated one does not wait for.
await zxcvbnJudge.prepare();

async function refusedWith(code: ErrorCode, promise: Promise<unknown>): Promise<CamelliaError> {
  let found: unknown;
  await assert.rejects(promise, (error) => {
    found = error;
    return error instanceof CamelliaError && error.code === code;
  });
  return found as CamelliaError;
}

Deno.test("Registering claims the name, stores the sealed keys and logs in", async () => {
  const world = new World();
  const device = world.device();
  const { session } = await world.run(device.register("Alice"));
  assert.equal(session.self.username, "alice");
  const claim = world.network.peek("alice", "public");
  assert.ok(claim && equalBytes(claim.publicKey, session.self.key));
  const sealed = world.network.peek("alice", "private");
  assert.ok(sealed && equalBytes(sealed.value, (await device.keys.read("alice")) ?? sealed.value));
  assert.deepEqual(await device.accounts.users(), ["alice"]);
  assert.equal(await device.keys.lastUser(), "alice");
  await session.close();
});

Deno.test("The key file is there before the network hears of the name", async () => {
  const world = new World();
  let hadKeys: boolean | undefined;
  const device = world.device({
    directory: (directory) =>
      changed(directory, {
        put: async (record, signal) => {
          hadKeys ??= await device.keys.read("alice") !== undefined;
          return directory.put(record, signal);
        },
      }),
  });
  const { session } = await world.run(device.register("alice"));
  assert.equal(hadKeys, true);
  await session.close();
});

Deno.test("Registering a taken name is refused and leaves no trace", async () => {
  const world = new World();
  const { session } = await world.user("alice");
  const device = world.device();
  await refusedWith("name_taken", world.run(device.accounts.checkName("alice")));
  await refusedWith("invalid_username", world.run(device.accounts.checkName("al ice")));
  await world.run(device.accounts.checkName("bob"));
  await refusedWith("name_taken", world.run(device.register("alice")));
  assert.deepEqual(await device.keys.list(), []);
  await session.close();
});

Deno.test("Of two who register a name at once one is told that it is taken", async () => {
  const world = new World();
  const results = await world.run(Promise.allSettled([
    world.device().register("alice"),
    world.device().register("alice"),
  ]));
  const [won] = results.filter((result) => result.status === "fulfilled");
  const [lost] = results.filter((result) => result.status === "rejected");
  assert.ok(won && lost);
  assert.equal(lost.reason.code, "name_taken");
  await won.value.session.close();
});

Deno.test("Weak passwords are refused with the reason, before anything is stored", async () => {
  const world = new World();
  const device = world.device();
  for (const weak of ["", "password", "alice2024", "qwertyuiop", "aaaaaaaaaaaaaaaa"]) {
    const error = await refusedWith("weak_password", world.run(device.register("alice", weak)));
    assert.match(error.message, /^Cannot use this password: it .+\. .+\.$/);
  }
  assert.equal(world.network.peek("alice", "public"), undefined);
  assert.deepEqual(await device.keys.list(), []);
});

Deno.test("Without a network nobody registers, but the network's first node does", async () => {
  const world = new World();
  const device = world.device();
  device.directory.reachable = false;
  await refusedWith("not_joined", world.run(device.accounts.checkName("alice")));
  await refusedWith("not_joined", world.run(device.register("alice")));
  await refusedWith("invalid_username", world.run(device.register("al")));
});

Deno.test("Registering and logging in begin while the node still joins, and wait for it", async () => {
  const world = new World();
  const [here, there] = [world.device(), world.device()];
  const joining = (device: Device) => {
    const attempt = Promise.withResolvers<void>();
    device.directory.reachable = false;
    device.directory.attempt = attempt.promise;
    return () => {
      device.directory.reachable = true;
      attempt.resolve();
    };
  };
  const joined = joining(here);
  const registering = here.register("alice");
  await world.clock.advance(3_000);
  assert.equal(here.directory.calls.get, 0);
  joined();
  const first = await world.run(registering);
  await (await world.run(there.login("alice"))).session.close();
  await world.run(here.accounts.changePassword(first, { old: password, new: otherPassword }));
  await first.session.close();
  // The keys are in the folder, and the network has newer ones.
  const joinedThere = joining(there);
  const loggingIn = refusedWith("wrong_password", there.login("alice", password));
  await world.clock.advance(3_000);
  joinedThere();
  await world.run(loggingIn);
});

Deno.test("A name that too few holders accept is not registered and leaves no trace", async () => {
  const world = new World();
  const device = world.device({
    directory: (directory) =>
      changed(directory, {
        put: () => Promise.resolve({ accepted: 5, refused: 6, asked: 11 }),
      }),
  });
  await refusedWith("too_few_holders", world.run(device.register("alice")));
  assert.deepEqual(await device.keys.list(), []);
});

Deno.test("A name that too few holders accept at first is put again", async () => {
  const world = new World();
  let puts = 0;
  const device = world.device({
    directory: (directory) =>
      changed(directory, {
        put: (record, signal) =>
          ++puts < 3
            ? Promise.resolve({ accepted: 1, refused: 2, asked: 3 })
            : directory.put(record, signal),
      }),
  });
  const { session } = await world.run(device.register("alice"));
  assert.ok(world.network.peek("alice", "public"));
  await session.close();
});

Deno.test("A read-back that names another key means that the name is taken", async () => {
  const world = new World();
  const other = identityOf("other");
  let put = false;
  const device = world.device({
    directory: (directory) =>
      changed(directory, {
        put: () => {
          put = true;
          return Promise.resolve({ accepted: 11, refused: 9, asked: 20 });
        },
        get: async (query, signal) => {
          const answer = await directory.get(query, signal);
          if (!put) return answer;
          const now = world.clock.now();
          const body = {
            since: now,
            posts: 0,
            followers: 0,
            following: 0,
            heads: [],
            generation: 0,
            pages: 0,
          };
          const content = { username: "alice", namespace: "public", sequence: 1 } as const;
          const expiresAt = expiryFor("public", now);
          return { ...answer, record: signRecord({ ...content, expiresAt, body }, other) };
        },
      }),
  });
  await refusedWith("name_taken", world.run(device.register("alice")));
  assert.deepEqual(await device.keys.list(), []);
});

Deno.test("An aborted registration keeps the keys once holders may know the name, and can be resumed", async () => {
  const world = new World();
  const controller = new AbortController();
  let isCut = true;
  const device = world.device({
    directory: (directory) =>
      changed(directory, {
        put: (record, signal) => {
          if (!isCut) return directory.put(record, signal);
          controller.abort(new DOMException("Ctrl+C", "AbortError"));
          return Promise.reject(controller.signal.reason);
        },
      }),
  });
  const credentials = { username: "alice", password };
  await assert.rejects(world.run(device.accounts.register(credentials, controller.signal)), {
    name: "AbortError",
  });
  assert.deepEqual(await device.keys.list(), ["alice"]);
  isCut = false;
  await refusedWith("wrong_password", world.run(device.register("alice", otherPassword)));
  const { session } = await world.run(device.register("alice"));
  assert.ok(world.network.peek("alice", "public"));
  await session.close();
});

Deno.test("Logging in on another installation takes name and password and nothing else", async () => {
  const world = new World();
  const first = await world.user("alice");
  const device = world.device();
  const second = await world.run(device.login("alice"));
  assert.deepEqual(second.session.self.key, first.session.self.key);
  assert.notEqual(second.session.device, first.session.device);
  assert.deepEqual(await device.keys.list(), ["alice"]);
  await first.session.close();
  await second.session.close();
});

Deno.test("Logging in needs no network where the key file is", async () => {
  const world = new World();
  const device = world.device();
  const first = await world.run(device.register("alice"));
  await first.session.close();
  device.directory.reachable = false;
  await refusedWith("wrong_password", world.run(device.login("alice", otherPassword)));
  const second = await world.run(device.login("alice"));
  assert.equal(second.session.device, first.session.device);
  await second.session.close();
});

Deno.test("A login opens the database while the keys are unsealed, and closes it if they stay shut", async () => {
  const world = new World();
  const device = world.device();
  const first = await world.run(device.register("alice"));
  await first.session.close();
  const { keys, stores } = device;
  const said: string[] = [];
  const { open } = stores;
  stores.open = async (username) => {
    said.push("opens");
    const store = await open.call(stores, username);
    const { close } = store;
    store.close = () => {
      said.push("closes");
      return close.call(store);
    };
    return store;
  };
  const { derive } = keys;
  keys.derive = async (word, derivation) => {
    const key = await derive.call(keys, word, derivation);
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    said.push("unseals");
    return key;
  };
  await refusedWith("wrong_password", world.run(device.login("alice", otherPassword)));
  assert.deepEqual(said.splice(0), ["opens", "unseals", "closes"]);
  const second = await world.run(device.login("alice"));
  assert.deepEqual(said.splice(0), ["opens", "unseals"]);
  await second.session.close();

  stores.open = () => Promise.reject(new CamelliaError("database_damaged", "Cannot open: damaged"));
  await refusedWith("wrong_password", world.run(device.login("alice", otherPassword)));
  await refusedWith("database_damaged", world.run(device.login("alice")));
});

Deno.test("Wrong password, unknown name and no network are told apart", async () => {
  const world = new World();
  const { session } = await world.user("alice");
  const device = world.device();
  await refusedWith("wrong_password", world.run(device.login("alice", otherPassword)));
  assert.deepEqual(await device.keys.list(), [], "a wrong password leaves no key file");
  await refusedWith("unknown_user", world.run(device.login("nobody")));
  device.directory.reachable = false;
  await refusedWith("not_joined", world.run(device.login("alice")));
  await session.close();
});

Deno.test("A network that hangs delays a login with a key file by no more than 2 s", async () => {
  const world = new World();
  const device = world.device();
  const first = await world.run(device.register("alice"));
  await first.session.close();
  device.directory.latencyMs = 3_600_000;
  const before = world.clock.monotonic();
  const second = await world.run(device.login("alice"));
  assert.ok(world.clock.monotonic() - before <= 2_000);
  await second.session.close();
});

Deno.test("Logging out wipes the keys, and so does a failed login", async () => {
  const world = new World();
  const { session } = await world.user("alice");
  await session.close();
  assert.throws(() => session.identity.sign(new Uint8Array(1)), /wiped/);
  assert.throws(() => session.identity.exportSeed(), /wiped/);
  assert.equal(session.signal.aborted, true);
});

Deno.test("Keys made of passwords are wiped after use, and so are identities that were only tried", async () => {
  const world = new World();
  const device = world.device();
  const derived: Uint8Array[] = [];
  const { derive, write } = device.keys;
  device.keys.derive = async (...given) => {
    const key = await derive.apply(device.keys, given);
    derived.push(key);
    return key;
  };
  let wiped = 0;
  const { wipe } = Identity.prototype;
  Identity.prototype.wipe = function () {
    wiped++;
    wipe.call(this);
  };
  const isWiped = async (identities: number, attempt: Promise<unknown>) => {
    derived.length = wiped = 0;
    await world.run(attempt.catch(() => {}));
    await world.clock.settle();
    assert.ok(derived.length > 0 && derived.every((key) => key.every((byte) => byte === 0)));
    assert.equal(wiped, identities);
  };
  try {
    await isWiped(0, device.register("alice", "password"));
    const account = await world.run(device.register("alice"));
    const change = { old: password, new: otherPassword };
    await isWiped(1, device.accounts.changePassword(account, change));
    await isWiped(0, device.accounts.changePassword(account, change));
    await account.session.close();
    await isWiped(0, device.login("alice"));
    // From the network, onto a disk that fails.
    await device.keys.remove("alice");
    device.keys.write = () => Promise.reject(new Error("disk"));
    await isWiped(1, device.login("alice", otherPassword));
    await isWiped(1, device.register("bob"));
    device.keys.write = write;
    device.ports.random.bytes = (length) => {
      if (length === 24) throw new Error("no randomness for a nonce");
      return world.random.bytes(length);
    };
    await isWiped(1, device.register("bob"));
  } finally {
    Identity.prototype.wipe = wipe;
  }
});

Deno.test("An aborted command ends at once, wherever it waits for the network", async () => {
  const commands = {
    register: (device: Device, signal: AbortSignal) =>
      device.accounts.register({ username: "bob", password }, signal),
    "register in vain": (device: Device, signal: AbortSignal) => {
      device.directory.put = () => Promise.resolve({ accepted: 0, refused: 3, asked: 3 });
      return device.accounts.register({ username: "bob", password }, signal);
    },
    login: (device: Device, signal: AbortSignal) =>
      device.accounts.login({ username: "alice", password }, signal),
    checkName: (device: Device, signal: AbortSignal) => device.accounts.checkName("bob", signal),
  };
  for (const [name, command] of Object.entries(commands)) {
    for (let afterMs = 500;; afterMs += 1_000) {
      const world = new World();
      const { session } = await world.user("alice");
      const device = world.device();
      device.directory.latencyMs = 1_000;
      const controller = new AbortController();
      world.clock.after(afterMs, () => controller.abort(new Error("enough")));
      const before = world.clock.monotonic();
      const running = command(device, controller.signal);
      const error = await world.run(running.then(() => undefined, (reason) => reason));
      await session.close();
      if (error instanceof CamelliaError) break;
      if (error === undefined) {
        const account = await running;
        if (account) await account.session.close();
        break;
      }
      assert.match(String(error), /enough/);
      assert.equal(world.clock.monotonic() - before, afterMs, name);
    }
  }
});

Deno.test("A disk that fails in the middle of a login leaves no keys in memory and no timers", async () => {
  for (let at = 1;; at++) {
    const world = new World();
    let calls = 0;
    const device = world.device({
      stores: { onCommit: () => ++calls === at ? "disk-full" : undefined },
    });
    const result = await world.run(device.register("alice").catch((error: unknown) => error));
    if (!(result instanceof CamelliaError)) {
      await (result as OpenAccount).session.close();
      assert.ok(at > 2);
      break;
    }
    assert.equal(result.code, "disk_full");
    assert.equal(world.clock.pending, 0);
    const { session } = await world.run(device.login("alice"));
    await session.close();
    assert.equal(world.clock.pending, 0);
  }
});

Deno.test("A changed password supersedes the old one on every device", async () => {
  const world = new World();
  const here = world.device();
  const there = world.device();
  const first = await world.run(here.register("alice"));
  const second = await world.run(there.login("alice"));
  await second.session.close();
  await refusedWith(
    "wrong_password",
    world.run(here.accounts.changePassword(first, { old: otherPassword, new: otherPassword })),
  );
  await refusedWith(
    "weak_password",
    world.run(here.accounts.changePassword(first, { old: password, new: "letmein" })),
  );
  await world.run(here.accounts.changePassword(first, { old: password, new: otherPassword }));
  await first.session.close();

  await refusedWith("wrong_password", world.run(there.login("alice", password)));
  there.directory.reachable = false;
  await refusedWith("wrong_password", world.run(there.login("alice", password)));
  const third = await world.run(there.login("alice", otherPassword));
  assert.deepEqual(third.session.self.key, first.session.self.key);
  await third.session.close();
});

Deno.test("A password changed without a network is published with the next pull", async () => {
  const world = new World();
  const device = world.device();
  const { session, records } = await world.run(device.register("alice"));
  device.directory.reachable = false;
  const change = { old: password, new: otherPassword };
  await world.run(device.accounts.changePassword({ session, records } as never, change));
  device.directory.reachable = true;
  const other = world.device();
  await refusedWith("wrong_password", world.run(other.login("alice", otherPassword)));
  await world.run(records.pull());
  const there = await world.run(other.login("alice", otherPassword));
  await there.session.close();
  await session.close();
});

Deno.test("A device that is logged in takes over the password changed on another one", async () => {
  const world = new World();
  const [here, there] = [world.device(), world.device()];
  const first = await world.run(here.register("alice"));
  const second = await world.run(there.login("alice"));
  await world.run(here.accounts.changePassword(first, { old: password, new: otherPassword }));
  const sealed = world.network.peek("alice", "private")?.value;
  await world.run(second.records.pull());
  assert.deepEqual(await there.keys.read("alice"), sealed);
  assert.deepEqual(world.network.peek("alice", "private")?.value, sealed, "and leaves it there");
  for (const { session } of [first, second]) await session.close();
});

Deno.test("A password changed under a clock that has stepped back supersedes the old one", async () => {
  const world = new World();
  const device = world.device();
  const account = await world.run(device.register("alice"));
  const now = world.clock.now.bind(world.clock);
  world.clock.now = () => now() - 90_000;
  device.directory.reachable = false;
  const change = { old: password, new: otherPassword };
  await world.run(device.accounts.changePassword(account, change));
  device.directory.reachable = true;
  await account.session.close();
  const again = await world.run(device.login("alice", otherPassword));
  await world.run(again.records.pull());
  const there = await world.run(world.device().login("alice", otherPassword));
  for (const { session } of [again, there]) await session.close();
});

Deno.test("Renewing the sealed keys never beats a change of password", async () => {
  const world = new World();
  const here = world.device();
  const there = world.device();
  const first = await world.run(here.register("alice"));
  const second = await world.run(there.login("alice"));
  await world.run(here.accounts.changePassword(first, { old: password, new: otherPassword }));
  await world.clock.advance(40 * 86_400_000);
  await world.run(second.records.pull());
  await world.run(first.records.pull());
  const third = await world.run(world.device().login("alice", otherPassword));
  for (const { session } of [first, second, third]) await session.close();
});

Deno.test("Sealed keys that shall stay off the network do", async () => {
  const world = new World();
  const device = world.device({ settings: { publishPrivate: false } });
  const { session, records } = await world.run(device.register("alice"));
  await world.run(records.pull());
  await world.run(
    device.accounts.changePassword({ session, records } as never, {
      old: password,
      new: otherPassword,
    }),
  );
  assert.equal(world.network.peek("alice", "private"), undefined);
  await session.close();
  const error = await refusedWith("unknown_user", world.run(world.device().login("alice")));
  assert.match(error.message, /import/);
  const again = await world.run(device.login("alice", otherPassword));
  await again.session.close();
});

Deno.test("Attack: keys kept local are looked for in the network, and no holder ever had them", async () => {
  const world = new World();
  const put: string[] = [];
  const directory: DeviceOptions["directory"] = (real) =>
    changed(real, {
      put: (record, signal) => {
        put.push(record.namespace);
        return real.put(record, signal);
      },
    });
  const here = world.device({ directory });
  // Kept local, the keys are worth less to a guesser: a password that is refused otherwise will do.
  const weaker = { username: "alice", password: "garnish dental" };
  await refusedWith("weak_password", world.run(here.accounts.register(weaker)));
  const first = await world.run(here.accounts.register({ ...weaker, localKeys: true }));
  const change = { old: weaker.password, new: "reflux hatbox" };
  await world.run(here.accounts.changePassword(first, change));
  await world.run(first.records.pull());
  // What is exported says that it stays local, also to a device that knows nothing else.
  const there = world.device({ directory });
  await there.accounts.importAccount(await here.accounts.exportAccount("alice"));
  const second = await world.run(there.login("alice", change.new));
  await world.run(second.records.pull());
  assert.deepEqual([put.includes("public"), put.includes("private")], [true, false]);
  assert.equal(world.network.peek("alice", "private"), undefined);
  await first.session.close();
  await second.session.close();
});

Deno.test("An exported account is imported elsewhere, and opens with the password alone", async () => {
  const world = new World();
  const here = world.device({ settings: { publishPrivate: false } });
  const first = await world.run(here.register("alice"));
  const file = await here.accounts.exportAccount("alice");
  const there = world.device({ settings: { publishPrivate: false } });
  const view = await there.accounts.importAccount(file);
  assert.equal(view.fingerprint, fingerprintOf(first.session.self.key));
  await refusedWith("wrong_password", world.run(there.login("alice", otherPassword)));
  const second = await world.run(there.login("alice"));
  assert.deepEqual(second.session.self.key, first.session.self.key);
  await first.session.close();
  await second.session.close();
  await refusedWith("unknown_user", there.accounts.exportAccount("bob"));
});

Deno.test("An import never replaces another user's keys, nor newer ones", async () => {
  const world = new World();
  const here = world.device();
  const first = await world.run(here.register("alice"));
  const old = await here.accounts.exportAccount("alice");
  await world.clock.advance(1_000);
  await world.run(here.accounts.changePassword(first, { old: password, new: otherPassword }));
  const kept = await here.keys.read("alice");
  await here.accounts.importAccount(old);
  assert.deepEqual(await here.keys.read("alice"), kept);

  const elsewhere = new World();
  elsewhere.random.word();
  const stranger = await elsewhere.run(elsewhere.device().register("bob"));
  await stranger.session.close();
  const impostor = elsewhere.device();
  const { session } = await elsewhere.run(impostor.register("alice"));
  await session.close();
  const file = await impostor.accounts.exportAccount("alice");
  await refusedWith("name_taken", here.accounts.importAccount(file));
  assert.deepEqual(await here.keys.read("alice"), kept);
  await first.session.close();
});

Deno.test("Another user's private record in the place of one's own opens nothing", async () => {
  const world = new World();
  const { session } = await world.user("alice");
  const mallory = await world.user("mallory");
  const foreign = world.network.peek("mallory", "private");
  assert.ok(foreign);
  const device = world.device({
    directory: (directory) =>
      changed(directory, {
        get: async (query, signal) => {
          const answer = await directory.get(query, signal);
          return query.namespace === "private" ? { ...answer, record: foreign } : answer;
        },
      }),
  });
  await refusedWith("unknown_user", world.run(device.login("alice")));
  assert.deepEqual(await device.keys.list(), []);
  await session.close();
  await mallory.session.close();
});

Deno.test("A user away for 11 months still has the account, and one away for longer claims it again", async () => {
  for (const months of [11, 20]) {
    const world = new World();
    const device = world.device();
    const registeredAt = world.clock.now();
    const first = await world.run(device.register("alice"));
    await first.session.close();
    await world.clock.advance(months * 30.4 * 86_400_000);
    const { session, records } = await world.run(device.login("alice"));
    await world.run(records.pull());
    const claim = world.network.peek("alice", "public");
    assert.ok(claim && claim.expiresAt > world.clock.now() + 360 * 86_400_000);
    const sealed = world.network.peek("alice", "private");
    assert.ok(sealed && sealed.expiresAt > world.clock.now() + 360 * 86_400_000);
    assert.equal(recordOf(claim, "public").body.since, registeredAt);
    await session.close();
  }
});

Deno.test("Attack: the disk is full, and its user still logs in, reads, and is told so", async () => {
  const world = new World();
  const device = world.device();
  const first = await world.run(device.register("alice"));
  await first.session.close();
  const full = () => Promise.reject(new CamelliaError("disk_full", "the disk is full"));
  device.keys.setLastUser = full;
  const { session } = await world.run(device.login("alice"));
  const warnings = device.events.filter((event) => event.event === "warning");
  assert.deepEqual(warnings.map((event) => event.event === "warning" && event.code), ["disk_full"]);
  assert((await device.accounts.exportAccount("alice")).length > 0);
  await session.close();
});
