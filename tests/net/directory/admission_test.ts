import { Exemption } from "../../../lib/networks.ts";
import assert from "node:assert/strict";
import { ClaimLedger, claimSettledMs } from "../../../core/model/claims.ts";
import { recordKey, type SignedRecord } from "../../../core/model/record.ts";
import { ClaimAdmission } from "../../../net/directory/admission.ts";
import { RecordValuePolicy } from "../../../net/directory/record_values.ts";
import type { Answer, Contact, StoredValue, StoreRequest } from "../../../net/kademlia/ports.ts";
import { AttackNetwork, type Draft, hasClaim, MemoryClaims } from "../../attacks/network.ts";
import { identityOf } from "../../sim/users.ts";

const [alice, mallory] = [identityOf("alice"), identityOf("mallory")];
const contact: Contact = { id: new Uint8Array(20), ip: "203.0.113.1", port: 4000 };

/** An admission with fakes around it. */
class Scene {
  readonly net = new AttackNetwork(1);
  readonly time = { now: this.net.clock.now() };
  readonly ledger = new ClaimLedger({ store: new MemoryClaims(), now: () => this.time.now });
  /** What other holders of the key, and those of `public`, answer. */
  answers: Answer<SignedRecord>[] = [];
  elsewhere: Answer<SignedRecord>[] = [];
  readonly questions: (number | "all")[] = [];
  asked = 0;
  verified = true;
  readonly verifying: ((real: boolean) => void)[] = [];
  readonly admission = new ClaimAdmission({
    ledger: this.ledger,
    monotonic: () => this.time.now,
    exemption: new Exemption(false),
    askNetwork: (_key, quorum) => {
      this.questions.push(quorum);
      return Promise.resolve(this.elsewhere);
    },
    verify: () => new Promise((resolve) => this.verifying.push(resolve)),
  });

  sign(owner = alice, draft: Draft = {}): SignedRecord {
    return this.net.sign("alice", owner, draft);
  }

  admit(
    record: SignedRecord,
    request: Partial<StoreRequest<SignedRecord>> = {},
  ): boolean | Promise<boolean> {
    return this.admission.admit({
      key: recordKey(record.username, record.namespace),
      value: record.value,
      decoded: record,
      from: contact,
      verifiedSender: true,
      own: false,
      ...request,
    }, () => {
      this.asked++;
      return Promise.resolve(this.answers);
    });
  }

  held(record: SignedRecord): StoredValue {
    const { username, namespace, value, expiresAt } = record;
    const at = this.time.now;
    const key = recordKey(username, namespace);
    return { key, value, expiresAtMs: expiresAt, firstStoredAtMs: at, storedAtMs: at };
  }

  answer(record: SignedRecord, host: number, since?: number): Answer<SignedRecord> {
    const from = { ...contact, ip: `192.0.${host}.1` };
    const said = since === undefined ? {} : { since };
    return { contact: from, value: record.value, decoded: record, ...said };
  }
}

Deno.test("Admission asks the others once for a name, and never again for its owner's records", async () => {
  const scene = new Scene();
  assert.equal(await scene.admit(scene.sign()), true);
  assert.equal(scene.asked, 1);
  assert.equal(scene.admit(scene.sign(alice, { sequence: 9 })), true, "at once");
  assert.equal(scene.admit(scene.sign(alice, { namespace: "connections" })), true);
  assert.equal(scene.admit(scene.sign(mallory)), false, "young claims stand firm for a moment");
  assert.equal(scene.asked, 1);
  assert.deepEqual(scene.questions, []);
});

Deno.test("Admission asks holders of public about other records, and all of them if a few disagree", async () => {
  const scene = new Scene();
  const [claim, forged] = [scene.sign(), scene.sign(mallory)];
  scene.elsewhere = [1, 2, 3].map((host) => scene.answer(claim, host, 5));
  assert.equal(await scene.admit(scene.sign(alice, { namespace: "connections" })), true);
  assert.deepEqual(scene.questions, [5]);
  const other = new Scene();
  other.elsewhere = [...scene.elsewhere, scene.answer(forged, 4, 1)];
  assert.equal(await other.admit(other.sign(alice, { namespace: "private" })), true);
  assert.deepEqual(other.questions, [5, "all"]);
  const thief = new Scene();
  thief.elsewhere = scene.elsewhere;
  assert.equal(await thief.admit(thief.sign(mallory, { namespace: "connections" })), false);
  assert(hasClaim(thief.ledger, "alice", alice.publicKey), "it knows better now");
});

Deno.test("Admission counts no vote of a holder that doesn't say since when", async () => {
  const scene = new Scene();
  scene.answers = [1, 2, 3].map((host) => scene.answer(scene.sign(mallory), host));
  assert.equal(await scene.admit(scene.sign()), true);
  assert(hasClaim(scene.ledger, "alice", alice.publicKey));
});

Deno.test("Admission lets a majority outvote a young claim, and nothing a settled one", async () => {
  const scene = new Scene();
  assert.equal(await scene.admit(scene.sign(mallory)), true);
  scene.answers = [1, 2].map((host) => scene.answer(scene.sign(), host, 5));
  scene.time.now += 60_000;
  assert.equal(await scene.admit(scene.sign()), true);
  assert(hasClaim(scene.ledger, "alice", alice.publicKey));
  scene.time.now += claimSettledMs;
  scene.answers = [1, 2, 3].map((host) => scene.answer(scene.sign(mallory), host, 1));
  assert.equal(scene.admit(scene.sign(mallory)), false);
});

Deno.test("Admission asks a sender it has never heard for an answer first, a bounded number at once", async () => {
  const scene = new Scene();
  const verdicts = Array.from({ length: 20 }, (_, i) => {
    const record = scene.net.sign(`name${i}`, alice);
    return Promise.resolve(scene.admit(record, { verifiedSender: false }));
  });
  await scene.net.clock.settle();
  assert.equal(scene.verifying.length, 16);
  for (const [i, resolve] of scene.verifying.entries()) resolve(i % 2 === 0);
  const admitted = await Promise.all(verdicts);
  assert.equal(admitted.filter(Boolean).length, 8);
  assert.equal(scene.asked, 8, "nobody is asked for a forged address");
  assert.equal(await scene.admit(scene.sign(), { own: true, verifiedSender: false }), true);
});

Deno.test("Admission bounds the votes that one network can cause", async () => {
  const scene = new Scene();
  for (let i = 0; i < 2_100; i++) await scene.admit(scene.net.sign(`name${i}`, alice));
  assert.equal(scene.asked, 2_000);
  assert.equal(scene.ledger.size, 20);
});

Deno.test("Admission takes few fresh names an hour from a whole /48 and four /24s", async () => {
  const names = async (scene: Scene, ipOf: (i: number) => string) => {
    for (let i = 0; i < 300; i++) {
      const from = { ...contact, ip: ipOf(i) };
      await scene.admit(scene.net.sign(`name${scene.asked}`, alice), { from });
    }
    return scene.ledger.size;
  };
  const scene = new Scene();
  assert.equal(await names(scene, (i) => `2001:db8:1:${(i & 255).toString(16)}::1`), 20, "a /56");
  assert.equal(await names(scene, (i) => `2001:db8:1:${((i & 255) << 8).toString(16)}::1`), 60);
  assert.equal(await names(scene, (i) => `${50 + (i & 3)}.7.7.${i & 255}`), 140, "and four /24s");
  assert.equal(await names(new Scene(), (i) => `2001:db8:${i.toString(16)}::1`), 120, "a /32");
});

Deno.test("Admission counts a whole /48 as one holder that confirms a claim", async () => {
  const scene = new Scene();
  const from = { ...contact, ip: "2001:db8:1:100::1" };
  for (let i = 0; i < 20; i++) await scene.admit(scene.net.sign(`name${i}`, alice), { from });
  const record = scene.sign();
  scene.answers = [2, 3, 4, 5].map((net) => ({
    contact: { ...contact, ip: `2001:db8:1:${net}00::1` },
    value: record.value,
    decoded: record,
    since: 1,
  }));
  assert.equal(await scene.admit(record, { from }), false, "it is as fresh as the others");
});

Deno.test("Admission decides on one name one after another", async () => {
  const scene = new Scene();
  const both = await Promise.all([scene.admit(scene.sign()), scene.admit(scene.sign(mallory))]);
  assert.deepEqual(both, [true, false]);
  assert.equal(scene.asked, 1);
});

Deno.test("Admission weighs settled accounts above young ones, and list pages least", async () => {
  const scene = new Scene();
  const weight = (record: SignedRecord) => scene.admission.weight(scene.held(record));
  const claim = scene.sign();
  assert.equal(weight(claim), 0, "nobody's");
  await scene.admit(claim);
  const page = scene.sign(alice, { namespace: "public:1:0" });
  const connections = scene.sign(alice, { namespace: "connections" });
  assert.deepEqual([page, connections, claim].map(weight), [1, 3, 3]);
  assert.equal(weight(scene.sign(mallory)), 0);
  scene.time.now += claimSettledMs;
  assert.deepEqual([page, connections, claim].map(weight), [2, 4, 5]);
  const group = (record: SignedRecord) => scene.admission.group(scene.held(record));
  assert.deepEqual([page, connections, claim].map(group), ["page", "connections", "public"]);
  for (let i = 0; i < 200; i++) {
    assert(scene.admit(scene.sign(alice, { namespace: `public:2:${i}` })));
  }
  assert.equal(weight(page), 1);
  for (let i = 0; i < 200; i++) {
    const { key, value } = scene.held(scene.sign(alice, { namespace: `public:2:${i}` }));
    scene.admission.forget(key, value);
  }
  assert.equal(weight(page), 2);
  assert.equal(scene.admission.since(claim.value) !== undefined, true);
  assert.equal(scene.admission.since(new Uint8Array(3)), undefined);
});

Deno.test("A settled claim decides between two owners' records, a young one leaves it open", async () => {
  const scene = new Scene();
  const policy = new RecordValuePolicy(scene.ledger);
  const mine = scene.sign(alice, { sequence: 1 }).value;
  const theirs = scene.sign(mallory, { sequence: 99 }).value;
  await scene.admit(scene.sign());
  assert.equal(policy.compare(mine, theirs), 0);
  scene.time.now += claimSettledMs;
  assert(policy.compare(mine, theirs) > 0);
  assert(policy.compare(theirs, mine) < 0);
  assert(policy.compare(mine, scene.sign(alice, { sequence: 2 }).value) < 0);
  assert(policy.compare(mine, new Uint8Array(9)) > 0);
});
