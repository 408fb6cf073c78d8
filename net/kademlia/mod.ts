/**
 * Kademlia (Maymounkov and Mazières 2002) over UDP, wire-compatible with bmuller/kademlia.
 *
 * A library of its own: clock, randomness, socket, storage and the meaning of values are injected.
 *
 * @module
 */
export * from "./ports.ts";
export * from "./service/node.ts";
export * from "./values/memory_storage.ts";
export * from "./values/policy.ts";
