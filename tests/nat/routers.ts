/**
 * What the routers and lines of the lab do: rules of NAT, a daemon that maps ports, loss, and what goes
 * wrong with a router.
 *
 * @module
 */

import { join } from "node:path";

/** How a home's router maps ports: the same for all targets, or another one for each. */
export type Nat = "cone" | "symmetric";

const decoder = new TextDecoder();

/** Runs a command of the system. Throws with what it said where it fails. */
export async function sh(args: readonly string[], input?: string): Promise<string> {
  const [name = "", ...rest] = args;
  const child = new Deno.Command(name, {
    args: rest,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  if (code === 0) return decoder.decode(stdout);
  throw new Error(`${args.join(" ")}: ${decoder.decode(stderr)}`);
}

/** Runs a command inside a namespace. */
export function inside(space: string, args: readonly string[], input?: string): Promise<string> {
  return sh(["ip", "netns", "exec", space, ...args], input);
}

/** The rules of a home's router: what comes from outside without having been asked for is dropped. */
export function routerRules(nat: Nat, hasUdp = true): string {
  const firewall = hasUdp ? "" : "meta l4proto udp drop;";
  const masquerade = nat === "symmetric" ? "masquerade fully-random" : "masquerade";
  // The chains of miniupnpd are there in any case, and stay empty without it.
  return `
    table inet home {
      chain let_in { }
      chain mapped { }
      chain mapped_out { }
      chain in { type filter hook input priority 0; policy accept;
        iifname "wan" ct state new drop;
      }
      chain through { type filter hook forward priority 0; policy accept;
        ${firewall}
        jump let_in
        iifname "wan" ct state new drop;
      }
      chain before { type nat hook prerouting priority -100; policy accept;
        jump mapped
      }
      chain out { type nat hook postrouting priority 100; policy accept;
        jump mapped_out
        oifname "wan" ${masquerade};
      }
    }`;
}

/** The rules of a home's router with IPv6: no NAT, but what was not asked for is dropped all the same. */
export const routerRules6 = `
  table ip6 home {
    chain in { type filter hook input priority 0; policy accept;
      icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
      iifname "wan" ct state new drop;
    }
    chain through { type filter hook forward priority 0; policy accept;
      iifname "wan" ct state new drop;
    }
  }`;

/** What a line does to packets in each direction. */
export interface Line {
  /** Of 100 packets so many get lost. */
  readonly lossPercent: number;
  /** Milliseconds on the way; 0 where the kernel has no netem. */
  readonly delayMs: number;
}

/**
 * Makes a device a line of that kind. Resolves to what it really does: without netem packets get lost by a
 * rule of the firewall, and take no time.
 */
export async function shape(space: string, device: string, line: Line): Promise<Line> {
  const { lossPercent, delayMs } = line;
  const netem = ["delay", `${delayMs}ms`, "loss", `${lossPercent}%`];
  try {
    await inside(space, ["tc", "qdisc", "add", "dev", device, "root", "netem", ...netem]);
    return line;
  } catch {
    if (lossPercent === 0) return { lossPercent, delayMs: 0 };
  }
  const isLost = `numgen random mod 10000 < ${Math.round(lossPercent * 100)} drop`;
  await inside(
    space,
    ["nft", "-f", "-"],
    `
    table inet line {
      chain in { type filter hook prerouting priority -300; policy accept;
        iifname "${device}" ${isLost}
      }
      chain out { type filter hook postrouting priority 300; policy accept;
        oifname "${device}" ${isLost}
      }
    }`,
  );
  return { lossPercent, delayMs: 0 };
}

/** A home's router, and the address that it has outside. */
export interface Router {
  readonly space: string;
  /** Its own outer address with the length of the prefix; behind a carrier's NAT that is a private one. */
  wan: string;
  /** Where it sends what is for others, unless all of them are on its own wire. */
  readonly gateway?: string;
}

async function routeOut({ space, gateway }: Router): Promise<void> {
  if (gateway === undefined) return;
  await sh(["ip", "-n", space, "route", "replace", "default", "via", gateway]);
}

/** The router is off for so many milliseconds, and knows none of its mappings afterwards. */
export async function restart(router: Router, offMs: number): Promise<void> {
  const { space } = router;
  // Linux forgets what it masqueraded when the device goes down.
  for (const device of ["wan", "lan"]) await sh(["ip", "-n", space, "link", "set", device, "down"]);
  await new Promise((resolve) => setTimeout(resolve, offMs));
  for (const device of ["lan", "wan"]) await sh(["ip", "-n", space, "link", "set", device, "up"]);
  await routeOut(router);
}

/**
 * The provider gives the router the next address, and sends it nothing any more that is for the old one. What
 * the router masqueraded is forgotten; what came in through its mappings it goes on translating.
 */
export async function renumber(router: Router): Promise<void> {
  const { space, wan } = router;
  const [, net, last = "", prefix] = /^(.*\.)(\d+)(\/\d+)$/.exec(wan) ?? [];
  // Neighbours on the wire would remember where it was, and the router let it in.
  const chain = `type filter hook prerouting priority -400; ip daddr ${net}${last} drop`;
  await inside(space, ["nft", "-f", "-"], `table inet moved {\nchain in { ${chain}\n}\n}`);
  const next = `${net}${Number(last) % 250 + 2}${prefix}`;
  await sh(["ip", "-n", space, "address", "del", wan, "dev", "wan"]);
  await sh(["ip", "-n", space, "address", "add", next, "dev", "wan"]);
  router.wan = next;
  await routeOut(router);
}

/** Whether there is a daemon for {@linkcode portMapper}. */
export async function hasPortMapper(): Promise<boolean> {
  return await sh(["which", "miniupnpd"]).then(() => true, () => false);
}

/** Starts the daemon that maps ports for a router's home by UPnP, NAT-PMP and PCP. */
export async function portMapper(
  { space }: Router,
  lan: string,
  folder: string,
): Promise<Deno.ChildProcess> {
  const file = join(folder, `${space}.conf`);
  const settings = [
    "ext_ifname=wan",
    "listening_ip=lan",
    "enable_upnp=yes",
    "enable_natpmp=yes",
    "secure_mode=yes",
    "uuid=00000000-0000-0000-0000-000000000001",
    "upnp_table_name=home",
    "upnp_nat_table_name=home",
    "upnp_forward_chain=let_in",
    "upnp_nat_chain=mapped",
    "upnp_nat_postrouting_chain=mapped_out",
    `allow 1024-65535 ${lan} 1024-65535`,
  ];
  await Deno.writeTextFile(file, `${settings.join("\n")}\n`);
  return new Deno.Command("ip", {
    args: ["netns", "exec", space, "miniupnpd", "-d", "-f", file, "-P", `${file}.pid`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}
