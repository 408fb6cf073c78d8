/**
 * The worker of bench/dht.ts that floods a node: 20,000 requests a second from one address.
 *
 * @module
 */
import { Id } from "../../net/kademlia/space/id.ts";
import { findNode } from "../../net/kademlia/rpc/methods/find_node.ts";
import { encodeRequest } from "../../net/kademlia/rpc/wire.ts";

const perSecond = 20_000;
const everyMs = 5;

self.addEventListener("message", (event) => {
  const { ip: hostname, port } = (event as MessageEvent).data;
  const socket = Deno.listenDatagram({ hostname: "127.0.0.2", port: 0, transport: "udp" });
  const sender = new Id(1, 2, 3, 4, 5);
  const request = encodeRequest(sender, findNode, { sender, target: sender });
  const startMs = performance.now();
  let sent = 0;
  setInterval(() => {
    const due = ((performance.now() - startMs) / 1_000) * perSecond;
    // Sends beyond the kernel's buffer are lost, as a flood's are.
    for (; sent < due; sent++) {
      socket.send(request, { transport: "udp", hostname, port }).catch(() => {});
    }
  }, everyMs);
});
