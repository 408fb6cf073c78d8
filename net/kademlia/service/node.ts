/**
 * The door to net/kademlia: the node, and the types of what goes in and comes out.
 *
 * @module
 */
export { KademliaNode } from "./kademlia_node.ts";
export type { LookupCallOptions, NodeOptions, NodeStats, SampleAnswer } from "./node_options.ts";
export type { GetOptions, GetResult } from "../values/reading.ts";
export type { PutOptions, PutResult } from "../values/writing.ts";
