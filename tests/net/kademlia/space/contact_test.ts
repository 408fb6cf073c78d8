import assert from "node:assert/strict";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";

Deno.test("A contact that was made lately is the same object, and differs by id, address and port", () => {
  const one = NodeContact.of(new Id(1, 2, 3, 4, 5), "192.0.2.1", 4000);
  assert.equal(NodeContact.of(new Id(1, 2, 3, 4, 5), "192.0.2.1", 4000), one);
  assert.equal(NodeContact.lately(1), one);
  const others: [Id, string, number][] = [
    [new Id(1, 2, 3, 4, 6), "192.0.2.1", 4000],
    [new Id(1, 2, 3, 4, 5), "192.0.2.2", 4000],
    [new Id(1, 2, 3, 4, 5), "192.0.2.1", 4001],
  ];
  for (const [id, ip, port] of others) {
    const other = NodeContact.of(id, ip, port);
    assert.deepEqual([other.nodeId, other.ip, other.port], [id, ip, port]);
  }
});

Deno.test("A contact knows the family of its address, and what that is for", () => {
  const about = (ip: string) => {
    const { family, kind } = new NodeContact(new Id(1, 2, 3, 4, 5), ip, 4000);
    return [family, kind];
  };
  assert.deepEqual(about("192.0.2.1"), [4, "public"]);
  assert.deepEqual(about("2001:db8::1"), [6, "public"]);
  assert.deepEqual(about("127.0.0.1"), [4, "loopback"]);
  assert.deepEqual(about("224.0.0.1"), [4, undefined]);
});
