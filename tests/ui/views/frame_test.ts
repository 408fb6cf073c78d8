import assert from "node:assert/strict";
import { viewsWorld } from "./world.ts";

Deno.test("The frame tells the network in a few words, and that the peer does not answer", async () => {
  const { peer, views, settle } = viewsWorld();
  const shows = async (text: string, tone: string) => {
    views.refresh();
    await settle();
    assert.deepEqual(views.frame().network, { text, tone });
  };
  assert.deepEqual(views.frame().network, { text: "", tone: "plain" });
  await shows("3 peers ⇅ ok", "good");
  peer.reach = { ...peer.reach, state: "relayed", relays: 2 };
  await shows("3 peers ⇅ by relays", "good");
  peer.reach = { ...peer.reach, state: "unreachable" };
  await shows("3 peers ⇅ not reachable", "warning");
  peer.joined = false;
  peer.carriage = { hindrance: "no_network" };
  await shows("no network", "warning");
  const { status } = peer;
  peer.status = () => Promise.reject(new Error("gone"));
  await shows("the peer does not answer", "warning");
  assert.equal(views.frame().isAnswering, false);
  peer.status = status;
  peer.joined = true;
  peer.reach = { ...peer.reach, state: "unknown" };
  await shows("3 peers ⇅ …", "plain");
});

Deno.test("The state of the peer is asked for once for many events", async () => {
  const { peer, views, clock, settle } = viewsWorld();
  views.open();
  await settle();
  peer.calls.length = 0;
  for (let i = 0; i < 1_000; i++) {
    peer.emit({ event: "network", joined: true, contacts: i });
    await clock.advance(1);
  }
  await settle();
  const asked = peer.calls.filter((name) => name === "status").length;
  assert.ok(asked >= 3 && asked <= 6, String(asked));
  assert.ok(views.reach().some(({ label, tone }) => label === "reach" && tone === "good"));
  views.close();
  peer.emit({ event: "network", joined: true, contacts: 1 });
  await settle();
  assert.equal(clock.pending, 0, "nothing waits once the screens are closed");
});
