import assert from "node:assert/strict";
import type { PeerEvent, ReachView } from "../../../core/api.ts";
import { StateNews } from "../../../ui/output/state_news.ts";

function reach(change: Partial<ReachView>): PeerEvent {
  return {
    ...{ event: "reach", state: "unknown", relays: 0, outer_ip: null, addresses: [] },
    ...change,
  };
}

const here = [{ ip: "192.0.2.7", reached: null }];
const there = [{ ip: "192.0.2.8", reached: null }];

Deno.test("How others reach the peer is told once for each change", () => {
  const news = new StateNews();
  const told = (change: Partial<ReachView>) => news.isNews(reach(change));
  assert.ok(told({ addresses: here }));
  assert.ok(!told({ addresses: here }), "the same again");
  assert.ok(!told({}), "no other node was there to say it");
  assert.ok(!told({ addresses: here }), "and the same as before");
  assert.ok(told({ addresses: there }));
  assert.ok(told({ state: "relayed", relays: 1, addresses: there }));
  assert.ok(!told({ state: "relayed", relays: 2, addresses: there }), "one relay more");
  assert.ok(told({ addresses: there }), "known anew after something else");
});

Deno.test("Where no node has told anything yet, that is told once", () => {
  const news = new StateNews();
  assert.ok(news.isNews(reach({})));
  assert.ok(!news.isNews(reach({})));
  assert.ok(news.isNews(reach({ addresses: here })));
});

Deno.test("The network is told of once found, lost or found by another way, and not for each contact", () => {
  const news = new StateNews();
  const told = (change: { joined: boolean; contacts: number; carrier?: "tcp" | "udp" }) =>
    news.isNews({ event: "network", ...change });
  assert.ok(told({ joined: true, contacts: 1 }));
  assert.ok(!told({ joined: true, contacts: 2, carrier: "udp" }));
  assert.ok(told({ joined: true, contacts: 2, carrier: "tcp" }));
  assert.ok(told({ joined: false, contacts: 0 }));
  assert.ok(!told({ joined: false, contacts: 0 }));
  assert.ok(told({ joined: true, contacts: 1 }));
});

Deno.test("What is not on the state is always told", () => {
  const news = new StateNews();
  const event = { event: "follower", username: "bob", following: true } as const;
  assert.ok(news.isNews(event) && news.isNews(event));
});
