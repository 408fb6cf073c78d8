/**
 * Kademlia (Maymounkov and Mazières 2002) over UDP, wire-compatible with bmuller/kademlia.
 *
 * A library of its own: clock, randomness, socket, storage and the meaning of values are injected.
 *
 * @module
 */
export * from "./ports.ts";
export type { Traffic } from "./rpc/rpc.ts";
export * from "./service/node.ts";
export type { NodeOptions, NodeStats } from "./service/node_options.ts";
export type { RelayPlaces, SampleAnswer } from "./service/sample_client.ts";
export * from "./values/defaults.ts";
export type { GetOptions, GetResult } from "./values/reading.ts";
export type { PutOptions, PutResult } from "./values/writing.ts";
