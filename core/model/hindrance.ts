/**
 * Why no other node answers, in words.
 *
 * @module
 */

/**
 * Why no other node answers, where that is known: this machine has no network; connections by TCP come
 * about, and no answer comes by them or by UDP; or no node is there where it was asked.
 */
export type Hindrance = "no_network" | "no_udp" | "no_node";

/** What hinders, as the end of a sentence, and what to do. */
export const hindrances: Readonly<
  Record<Hindrance | "unknown", { readonly why: string; readonly remedy: string }>
> = {
  unknown: { why: "no other node has answered yet", remedy: "Check the bootstrap nodes" },
  no_network: {
    why: "this machine has no network",
    remedy: "Connect it, and check its cable or radio",
  },
  no_udp: {
    why: "your network lets no UDP out, and no node answers by TCP in its place",
    remedy:
      "Allow UDP in your router or firewall, or name a bootstrap node that takes TCP at the " +
      "number of its UDP port",
  },
  no_node: {
    why: "no other node has answered yet, and none is there at the addresses that were asked",
    remedy: "Check the bootstrap nodes",
  },
};

/** What to tell where nodes answer by TCP alone. */
export const udpBlocked: { readonly why: string; readonly remedy: string } = {
  why: "your network lets no UDP out, so nodes are asked by TCP, which is slower",
  remedy: "Allow UDP in your router or firewall",
};
