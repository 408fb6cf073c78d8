import assert from "node:assert/strict";
import type { Endpoint } from "../../lib/ip_address.ts";
import { meansBoth, openForBoth } from "../../lib/dual_stack.ts";

/** A system as far as ports go: what one socket at `::` takes, and which ports others have. */
class System {
  readonly open: Endpoint[] = [];
  readonly #takes: "both" | "one" | "no IPv6";
  readonly #others: readonly Endpoint[];
  #drawn = 40_000;

  constructor(takes: "both" | "one" | "no IPv6", others: readonly Endpoint[] = []) {
    this.#takes = takes;
    this.#others = others;
  }

  listen(at: Endpoint): Endpoint[] {
    return openForBoth(at, { open: (one) => this.#open(one), portOf: ({ port }) => port });
  }

  #open({ ip, port: wanted }: Endpoint) {
    if (ip === "::" && this.#takes === "no IPv6") throw new Error("Address family not supported");
    const port = wanted === 0 ? this.#drawn++ : wanted;
    const collides = (other: Endpoint) =>
      other.port === port &&
      (other.ip === ip || (this.#takes === "both" && [ip, other.ip].includes("::")));
    if ([...this.open, ...this.#others].some(collides)) {
      throw Object.assign(new Error("in use"), { name: "AddrInUse" });
    }
    const socket = { ip, port, close: () => void this.open.splice(this.open.indexOf(socket), 1) };
    this.open.push(socket);
    return socket;
  }
}

function listened(system: System, at: Endpoint): string[] {
  const opened = system.listen(at);
  assert.deepEqual(opened, system.open, "nothing else is left open");
  return opened.map(({ ip, port }) => `${ip} ${port}`);
}

Deno.test("Where one socket takes both families there is one", () => {
  assert.deepEqual(listened(new System("both"), { ip: "::", port: 8000 }), [":: 8000"]);
});

Deno.test("Where a socket takes one family there are two, under one port", () => {
  const system = new System("one");
  assert.deepEqual(listened(system, { ip: "::", port: 0 }), ["0.0.0.0 40000", ":: 40000"]);
});

Deno.test("Without IPv6 there is IPv4", () => {
  assert.deepEqual(listened(new System("no IPv6"), { ip: "::", port: 8000 }), ["0.0.0.0 8000"]);
});

Deno.test("A port that another program has in either family is in use, and another one is drawn", () => {
  for (const ip of ["0.0.0.0", "::"]) {
    const taken = new System("one", [{ ip, port: 8000 }]);
    assert.throws(() => taken.listen({ ip: "::", port: 8000 }), { name: "AddrInUse" });
    assert.deepEqual(taken.open, []);
    const drawn = new System("one", [{ ip, port: 40_000 }]);
    assert.deepEqual(listened(drawn, { ip: "::", port: 0 }), ["0.0.0.0 40001", ":: 40001"]);
  }
});

Deno.test("Other addresses mean what they say", () => {
  for (const ip of ["0.0.0.0", "127.0.0.1", "::1", "2001:db8::1"]) {
    assert.ok(!meansBoth(ip));
    assert.deepEqual(listened(new System("both"), { ip, port: 8000 }), [`${ip} 8000`]);
  }
  assert.ok(meansBoth("0:0:0:0:0:0:0:0"));
});
