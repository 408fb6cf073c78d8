import assert from "node:assert/strict";
import type { PutReport } from "../../../core/ports.ts";
import { changed, password, World } from "../accounts_world.ts";

/** Registers where puts report this, one after the other and the last again and again. */
async function registerWith(
  reports: { readonly public?: readonly PutReport[]; readonly private?: readonly PutReport[] },
): Promise<{ code: string; message: string; puts: { public: number; private: number } }> {
  const world = new World();
  const puts = { public: 0, private: 0 };
  const device = world.device({
    directory: (directory) =>
      changed(directory, {
        put: async (record, signal) => {
          const report = await directory.put(record, signal);
          const name = record.namespace === "private" ? "private" : "public";
          const number = puts[name]++;
          return reports[name]?.at(Math.min(number, reports[name].length - 1)) ?? report;
        },
      }),
  });
  const outcome = await world.run(
    device.accounts.register({ username: "alice", password }).then(async ({ session }) => {
      await session.close();
      return { code: "done", message: "" };
    }, ({ code, message }) => ({ code: String(code), message: String(message) })),
  );
  return { ...outcome, puts };
}

Deno.test("The own node makes no majority of others: the claim is put again until they have it", async () => {
  // Two of three nodes, the own one among them, are one of two others.
  const half = { accepted: 2, refused: 0, asked: 3, own: true };
  const most = { accepted: 3, refused: 0, asked: 3, own: true };
  const { code, puts } = await registerWith({ public: [half, most] });
  assert.deepEqual([code, puts.public], ["done", 2]);
  const never = await registerWith({ public: [half] });
  // Three times, and then it is taken back.
  assert.deepEqual([never.code, never.puts.public], ["too_few_holders", 4]);
});

Deno.test("Nodes that were silent when the closest were looked for count until they are likely to be gone", async () => {
  const missed = { accepted: 3, refused: 0, asked: 3, own: true, missed: 3 };
  const { code, puts } = await registerWith({ public: [missed] });
  assert.deepEqual([code, puts.public], ["done", 3]);
});

Deno.test("A name that the own node alone has is not registered while another node is silent", async () => {
  const alone = { accepted: 1, refused: 0, asked: 1, own: true };
  const silent = await registerWith({ public: [{ ...alone, missed: 1 }] });
  assert.equal(silent.code, "too_few_holders");
  const first = await registerWith({ public: [alone] });
  assert.deepEqual([first.code, first.puts.public], ["done", 1]);
});

Deno.test("A name that most nodes refuse names the limit of new names and when to try again", async () => {
  const refused = { accepted: 1, refused: 2, asked: 3, own: true };
  const limited = await registerWith({ public: [refused] });
  assert.equal(
    limited.message,
    "Cannot register alice: 2 of 3 nodes refused the name, although no user has it. A node takes at " +
      "most 20 new names an hour from one network (IPv4 /24, IPv6 /56), 60 from a /16 or /48 and 120 " +
      "from an IPv6 /32: most likely that many were registered from yours. Try again in an hour, or " +
      "from another network.",
  );
  const silent = await registerWith({ public: [{ accepted: 1, refused: 1, asked: 3, own: true }] });
  assert.match(silent.message, /1 of 3 nodes accepted the name.* Try again in a moment\.$/);
});

Deno.test("Sealed keys are put again until most nodes have them, and their lack refuses no account", async () => {
  const none = { accepted: 0, refused: 0, asked: 3 };
  const most = { accepted: 2, refused: 0, asked: 3 };
  const again = await registerWith({ private: [none, most] });
  assert.deepEqual([again.code, again.puts.private], ["done", 2]);
  const never = await registerWith({ private: [none] });
  assert.deepEqual([never.code, never.puts.private], ["done", 3]);
});
