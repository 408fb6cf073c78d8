import assert from "node:assert/strict";
import fc from "fast-check";
import { controlIn, locationIn, upnpMapper } from "../../../net/reach/upnp.ts";
import { realTime } from "../kademlia/support.ts";

const service = "urn:schemas-upnp-org:service:WANIPConnection:1";

/** A router's description, with a service before the one that is wanted. */
function description(controlURL: string, type = service): string {
  return `<?xml version="1.0"?><root><device><serviceList>
    <service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType>
      <controlURL>/other</controlURL></service>
    <service><serviceType>${type}</serviceType><controlURL> ${controlURL} </controlURL></service>
    </serviceList></device></root>`;
}

/** A router on loopback: what it was ordered, and how it answers. */
function router(answer: (action: string, body: string) => Response = () => new Response("<ok/>")) {
  const orders: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      if (new URL(request.url).pathname === "/desc.xml") return new Response(description("/ctl"));
      const action = request.headers.get("soapaction") ?? "";
      const body = await request.text();
      orders.push(`${action} ${body.replaceAll(/^.*<u:|<\/s:.*$/g, "")}`);
      return answer(action, body);
    },
  );
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const serve = async () => {
    for await (const [bytes, from] of socket) {
      if (!new TextDecoder().decode(bytes).startsWith("M-SEARCH")) continue;
      const text =
        `HTTP/1.1 200 OK\r\nLOCATION: http://127.0.0.1:${server.addr.port}/desc.xml\r\n\r\n`;
      await socket.send(new TextEncoder().encode(text), from);
    }
  };
  void serve();
  const map = upnpMapper({
    time: realTime,
    home: () => [{ ip: "192.168.1.20", cidr: "192.168.1.20/24" }],
    search: { ip: "127.0.0.1", port: (socket.addr as Deno.NetAddr).port },
  });
  const close = async () => {
    socket.close();
    await server.shutdown();
  };
  return { orders, map, close };
}

const { signal } = new AbortController();

Deno.test("A router that speaks UPnP is found, told to map a port, and told to take that back", async () => {
  const { orders, map, close } = router();
  const wanted = { transport: "tcp", port: 7000, lifetimeS: 7_200 } as const;
  assert.deepEqual(await map(wanted, signal), { outerPort: 7000, lifetimeS: 7_200 });
  assert.deepEqual(await map({ ...wanted, lifetimeS: 0 }, signal), {
    outerPort: 7000,
    lifetimeS: 0,
  });
  const [add = "", remove = ""] = orders;
  assert.ok(add.startsWith(`"${service}#AddPortMapping" AddPortMapping xmlns:u="${service}">`));
  for (
    const field of [
      "<NewExternalPort>7000</NewExternalPort>",
      "<NewProtocol>TCP</NewProtocol>",
      "<NewInternalClient>192.168.1.20</NewInternalClient>",
      "<NewLeaseDuration>7200</NewLeaseDuration>",
    ]
  ) assert.ok(add.includes(field), field);
  assert.ok(remove.startsWith(`"${service}#DeletePortMapping"`));
  await close();
});

Deno.test("A router that knows lasting mappings alone is given one, and one that refuses is not used", async () => {
  const error = (code: number) => new Response(`<errorCode>${code}</errorCode>`, { status: 500 });
  const wanted = { transport: "udp", port: 8000, lifetimeS: 7_200 } as const;
  const lasting = router((_action, body) =>
    body.includes("<NewLeaseDuration>0<") ? new Response("<ok/>") : error(725)
  );
  assert.deepEqual(await lasting.map(wanted, signal), { outerPort: 8000, lifetimeS: 7_200 });
  assert.equal(lasting.orders.length, 2);
  await lasting.close();
  const taken = router(() => error(718));
  assert.equal(await taken.map(wanted, signal), undefined);
  await taken.close();
});

Deno.test("Orders may be taken at another port, for lines that are dialled, and under a base of its own", () => {
  const location = new URL("http://192.168.1.1:5000/desc.xml");
  const urlOf = (text: string) => controlIn(text, location)?.url.href;
  const ppp = service.replace("WANIP", "WANPPP").replace(":1", ":2");
  assert.equal(controlIn(description("/ctl", ppp), location)?.service, ppp);
  assert.equal(urlOf(description("/ctl", service.replace(/1$/, "3"))), undefined);
  const based = (base: string) => description("ctl").replace("<device>", `${base}<device>`);
  assert.equal(
    urlOf(based("<URLBase>http://192.168.1.1:80/up/</URLBase>")),
    "http://192.168.1.1/up/ctl",
  );
  assert.equal(urlOf(based("<URLBase>http://192.168.1.2/</URLBase>")), undefined);
});

Deno.test("A router that says too much, or sends to another machine, is not used", async () => {
  const wanted = { transport: "tcp", port: 7000, lifetimeS: 7_200 } as const;
  const endless = router(() => new Response("x".repeat(65_537)));
  assert.equal(await endless.map(wanted, signal), undefined);
  await endless.close();
  const longest = router(() => new Response("x".repeat(65_536)));
  assert.ok(await longest.map(wanted, signal));
  await longest.close();
  const elsewhere = router(() => Response.redirect("http://127.0.0.1:9/", 307));
  assert.equal(await elsewhere.map(wanted, signal), undefined);
  assert.equal(elsewhere.orders.length, 1);
  await elsewhere.close();
  // An error without a code is one as well.
  const broken = router(() => new Response("no", { status: 500 }));
  assert.equal(await broken.map(wanted, signal), undefined);
  assert.equal(await broken.map({ ...wanted, lifetimeS: 0 }, signal), undefined);
  await broken.close();
});

Deno.test("Without a home network no router is searched for", async () => {
  const map = upnpMapper({ time: realTime, home: () => [], search: { ip: "no address", port: 1 } });
  assert.equal(await map({ transport: "tcp", port: 7000, lifetimeS: 1 }, signal), undefined);
});

Deno.test("Attack: an answer to the search makes no other machine be called", () => {
  const bytes = (text: string) => new TextEncoder().encode(`HTTP/1.1 200 OK\r\n${text}\r\n\r\n`);
  const at = "192.168.1.1";
  assert.equal(locationIn(bytes(`Location: http://${at}:80/x`), at)?.href, `http://${at}/x`);
  for (
    const text of [
      "LOCATION: http://192.168.1.2/x",
      "LOCATION: http://127.0.0.1/x",
      `LOCATION: https://${at}/x`,
      "LOCATION: file:///etc/passwd",
      "LOCATION:",
      "",
    ]
  ) assert.equal(locationIn(bytes(text), at), undefined, text);
  const location = new URL(`http://${at}:5000/desc.xml`);
  const found = controlIn(description("/ctl"), location);
  assert.deepEqual([found?.url.href, found?.service], [`http://${at}:5000/ctl`, service]);
  for (const url of ["http://192.168.1.2/ctl", "https://192.168.1.1/ctl", "http://[::1]/", ""]) {
    const wrong = controlIn(description(url), location);
    assert.ok(wrong === undefined || wrong.url.hostname === at, url);
  }
  assert.equal(controlIn(description("/ctl", `${service}"><evil`), location), undefined);
});

Deno.test("Attack: whatever a router says about itself is read or refused, never thrown at", () => {
  const location = new URL("http://192.168.1.1/");
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (text, bytes) => {
      controlIn(text, location);
      controlIn(description(text), location);
      locationIn(bytes, "192.168.1.1");
    }),
    { seed: 17, numRuns: 300 },
  );
});
