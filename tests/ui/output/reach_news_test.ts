import assert from "node:assert/strict";
import type { ReachView } from "../../../core/api.ts";
import { ReachNews } from "../../../ui/output/reach_news.ts";

function reach(change: Partial<ReachView>): ReachView {
  return { state: "unknown", relays: 0, outer_ip: null, addresses: [], ...change };
}

const here = [{ ip: "192.0.2.7", reached: null }];
const there = [{ ip: "192.0.2.8", reached: null }];

Deno.test("How others reach the peer is told once for each change", () => {
  const news = new ReachNews();
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
  const news = new ReachNews();
  assert.ok(news.isNews(reach({})));
  assert.ok(!news.isNews(reach({})));
  assert.ok(news.isNews(reach({ addresses: here })));
});
