/**
 * The names of the settings, as commands take them: `section.key` of config.ini, and `lifespan` for a whole section.
 *
 * @module
 */

/** What a setting is for. */
export type SettingGroup = "network" | "reach" | "posts" | "clock" | "privacy";

/** A setting by its name: what it is for, and what it says. */
export const settingNames = {
  "bootstrap.nodes": ["network", "Nodes to join through"],
  "bootstrap.ip": ["network", "One node to join through"],
  "bootstrap.port": ["network", "The UDP port of that one"],
  "bootstrap.init": ["network", "Whether this is the first node of a network"],
  "default.ip": ["network", "Where the DHT node listens"],
  "default.port": ["network", "UDP port of the DHT node"],
  "default.listening_ip": ["network", "Where posts are received"],
  "default.listening_port": ["network", "TCP port for posts"],
  "default.announced_ip": ["network", "The address that others are told"],
  "reach.mode": ["reach", "How others reach this peer"],
  "reach.port_mapping": ["reach", "Whether the home router is asked to let others in"],
  "reach.relay": ["reach", "Whether this peer relays for others"],
  "lifespan": ["posts", "How long posts of others are kept"],
  "quota.posts": ["posts", "Posts kept of one author"],
  "quota.megabytes": ["posts", "Megabytes of posts kept of one author"],
  "quota.posts_an_hour": ["posts", "Posts of one hour kept of one author"],
  "ntp.servers": ["clock", "Servers that the clock is set by"],
  "ntp.trust_far": ["clock", "Whether offsets of more than ten minutes are believed"],
  "privacy.publish_private": ["privacy", "Whether the sealed keys are kept in the network"],
  "limits.exempt_private": ["privacy", "Whether limits leave out private addresses"],
} as const satisfies Readonly<Record<string, readonly [SettingGroup, string]>>;

/** The name of a setting. */
export type SettingName = keyof typeof settingNames;

/** Settings that a running peer takes over; the others take effect at its next start. */
export const takenAtOnce: ReadonlySet<SettingName> = new Set([
  ...["bootstrap.nodes", "bootstrap.ip", "bootstrap.port"] as const,
  ...["lifespan", "quota.posts", "quota.megabytes", "quota.posts_an_hour"] as const,
  ...["ntp.servers", "ntp.trust_far", "privacy.publish_private", "limits.exempt_private"] as const,
]);
