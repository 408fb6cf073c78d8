/**
 * A small Internet of network namespaces: public machines with IPv4 and IPv6 on one switch, homes with IPv4
 * whose routers do NAT, and homes with IPv6 whose routers let nothing in.
 * Nothing leaves it, and the machine's own network is not touched.
 *
 * Needs root, iproute2 and nftables; {@linkcode whyNot} says what is missing.
 */

import { join } from "node:path";
import type { PostView } from "../../core/api.ts";
import { type Ended, Process, runProgram } from "../e2e/harness.ts";

/** How a home's router maps ports: the same for all targets, or another one for each. */
export type Nat = "cone" | "symmetric";

const decoder = new TextDecoder();

/** Runs a command of the system. Throws with what it said where it fails. */
async function sh(args: readonly string[], input?: string): Promise<string> {
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

/** What keeps a lab from being built here; undefined where nothing does. */
export async function whyNot(): Promise<string | undefined> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "needs root on Linux";
  const name = `camprobe${Deno.pid}`;
  try {
    await sh(["ip", "netns", "add", name]);
    await sh(["ip", "netns", "exec", name, "nft", "list", "ruleset"]);
    return undefined;
  } catch {
    return "needs iproute2, nftables and network namespaces";
  } finally {
    await sh(["ip", "netns", "delete", name]).catch(() => {});
  }
}

/** The rules of a home's router: what comes from outside without having been asked for is dropped. */
function routerRules(nat: Nat, hasUdp: boolean): string {
  const firewall = hasUdp ? "" : "meta l4proto udp drop;";
  const masquerade = nat === "symmetric" ? "masquerade fully-random" : "masquerade";
  return `
    table ip home {
      chain in { type filter hook input priority 0; policy accept;
        iifname "wan" ct state new drop;
      }
      chain through { type filter hook forward priority 0; policy accept;
        iifname "wan" ct state new drop;
        ${firewall}
      }
      chain out { type nat hook postrouting priority 100; policy accept;
        oifname "wan" ${masquerade};
      }
    }`;
}

/** The rules of a home's router with IPv6: no NAT, but what was not asked for is dropped all the same. */
const routerRules6 = `
  table ip6 home {
    chain in { type filter hook input priority 0; policy accept;
      icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
      iifname "wan" ct state new drop;
    }
    chain through { type filter hook forward priority 0; policy accept;
      iifname "wan" ct state new drop;
    }
  }`;

/** A machine of the lab. */
export interface Host {
  readonly space: string;
  readonly ip: string;
  /** Its IPv6 address beside the other one. */
  readonly ip6?: string;
}

/** The public IPv6 address of place `n`. */
function sixOf(n: number): string {
  return `2a01:${n}::2`;
}

/** A data folder on a machine, and the program that runs on it. */
export class Person {
  readonly name: string;
  readonly #flags: readonly string[];
  readonly #inside: readonly string[];
  readonly #lab: Lab;
  process: Process | undefined;

  constructor(lab: Lab, host: Host, name: string) {
    this.name = name;
    this.#lab = lab;
    this.#inside = ["ip", "netns", "exec", host.space];
    const data = join(lab.folder, `${name}-${host.space}`);
    this.#flags = ["--data", data, "--ntp-server", "none", "--json"];
  }

  /** Runs a command that has to succeed; resolves to its document. */
  async json<T = unknown>(...args: readonly string[]): Promise<T> {
    const ended = await this.run(...args);
    if (ended.code !== 0) throw new Error(`${this.name}: ${args.join(" ")}: ${ended.err}`);
    return JSON.parse(ended.out);
  }

  /** Runs a command. */
  run(...args: readonly string[]): Promise<Ended> {
    return runProgram([...this.#flags, ...this.#lab.bootstrap, ...args], { inside: this.#inside });
  }

  /** Starts `up` or `node` and waits until it is ready. */
  async start(...args: readonly string[]): Promise<void> {
    const flags = [...this.#flags, ...this.#lab.bootstrap, ...args];
    this.process = this.#lab.keep(new Process(flags, { inside: this.#inside }));
    await this.process.ready();
  }

  /** Registers and starts the peer. */
  async register(): Promise<this> {
    await this.json("register", this.name);
    await this.start("up");
    return this;
  }

  /** Waits for a post with this text. */
  async receives(text: string): Promise<PostView> {
    if (this.process === undefined) throw new Error(`${this.name}'s peer does not run`);
    return await this.process.post(text);
  }
}

/** Labs of this process so far: each has names of its own. */
let labsMade = 0;

/** The lab; nothing of it is left at the end. */
export class Lab {
  readonly folder: string;
  /** Flags that name the nodes to join through. */
  readonly bootstrap: string[] = [];
  readonly #prefix = `cam${Deno.pid}x${++labsMade}`;
  readonly #spaces: string[] = [];
  readonly #processes: Process[] = [];
  readonly #switch: string;
  readonly #publicSpaces: string[] = [];
  #places = 0;
  private constructor(folder: string) {
    this.folder = folder;
    this.#switch = `${this.#prefix}-net`;
  }

  /** An Internet with nobody in it. */
  static async build(): Promise<Lab> {
    const lab = new Lab(await Deno.makeTempDir({ prefix: "camellia-nat-" }));
    try {
      await lab.#space("net");
      await sh(["ip", "-n", lab.#switch, "link", "add", "switch", "type", "bridge"]);
      await sh(["ip", "-n", lab.#switch, "link", "set", "switch", "up"]);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  /** A machine with public addresses of both families, in networks of its own. */
  async public(): Promise<Host> {
    const n = ++this.#places;
    const space = await this.#space(`p${n}`);
    const ip = `31.${n}.7.2`;
    await this.#plug(space, "eth0", n, `${ip}/8`, `${sixOf(n)}/16`);
    this.#publicSpaces.push(space);
    return { space, ip, ip6: sixOf(n) };
  }

  /** A home with so many machines behind one router, which may drop all UDP. */
  async home(nat: Nat, machines = 1, hasUdp = true): Promise<Host[]> {
    const n = ++this.#places;
    const router = await this.#space(`r${n}`);
    await this.#plug(router, "wan", n, `31.${n}.7.2/8`);
    const rules = routerRules(nat, hasUdp);
    await this.#route(router, `192.168.${n}.1/24`, "net.ipv4.ip_forward=1", rules);
    const hosts: Host[] = [];
    for (let i = 0; i < machines; i++) {
      const space = await this.#space(`h${n}n${i}`);
      const ip = `192.168.${n}.${10 + i}`;
      await this.#cable(space, "eth0", router, `h${i}`);
      await sh(["ip", "-n", router, "link", "set", `h${i}`, "master", "lan"]);
      await sh(["ip", "-n", space, "address", "add", `${ip}/24`, "dev", "eth0"]);
      await sh(["ip", "-n", space, "route", "add", "default", "via", `192.168.${n}.1`]);
      hosts.push({ space, ip });
    }
    return hosts;
  }

  /** A machine in a home that has IPv6 alone, whose router lets nothing in. */
  async home6(): Promise<Host> {
    const n = ++this.#places;
    const router = await this.#space(`r${n}`);
    const lan = `2a02:${n}::`;
    await this.#plug(router, "wan", n, `${sixOf(n)}/16`);
    await this.#route(router, `${lan}1/64`, "net.ipv6.conf.all.forwarding=1", routerRules6);
    const space = await this.#space(`h${n}`);
    await this.#cable(space, "eth0", router, "h0");
    await sh(["ip", "-n", router, "link", "set", "h0", "master", "lan"]);
    await sh(["ip", "-n", space, "address", "add", `${lan}10/64`, "dev", "eth0"]);
    await sh(["ip", "-n", space, "route", "add", "default", "via", `${lan}1`]);
    for (const other of this.#publicSpaces) {
      await sh(["ip", "-n", other, "route", "add", `${lan}/64`, "via", sixOf(n)]);
    }
    return { space, ip: `${lan}10` };
  }

  /** Makes a router of a space with a plug: its side of the home, and what it lets pass. */
  async #route(router: string, lan: string, forwarding: string, rules: string): Promise<void> {
    await sh(["ip", "-n", router, "link", "add", "lan", "type", "bridge"]);
    await sh(["ip", "-n", router, "address", "add", lan, "dev", "lan"]);
    await sh(["ip", "-n", router, "link", "set", "lan", "up"]);
    await sh(["ip", "netns", "exec", router, "sysctl", "-qw", forwarding]);
    await sh(["ip", "netns", "exec", router, "nft", "-f", "-"], rules);
  }

  /** A bare node on a public machine, which others join through; the first one starts the network. */
  async node(): Promise<Person> {
    const host = await this.public();
    const node = new Person(this, host, "node");
    const isFirst = this.bootstrap.length === 0;
    await node.start("node", ...(isFirst ? ["--init"] : []));
    this.bootstrap.push("--bootstrap", `${host.ip}:8000`, "--bootstrap", `[${host.ip6}]:8000`);
    return node;
  }

  /** A person at a machine. */
  person(host: Host, name: string): Person {
    return new Person(this, host, name);
  }

  /** Remembers a process, to be killed at the end. */
  keep(process: Process): Process {
    this.#processes.push(process);
    return process;
  }

  async #space(name: string): Promise<string> {
    const space = `${this.#prefix}-${name}`;
    await sh(["ip", "netns", "add", space]);
    this.#spaces.push(space);
    await sh(["ip", "-n", space, "link", "set", "lo", "up"]);
    // No address is anybody else's: to make sure would take a second each time.
    await sh(["ip", "netns", "exec", space, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0"]);
    return space;
  }

  /** Plugs a machine into the switch. */
  async #plug(space: string, device: string, n: number, ...cidrs: string[]): Promise<void> {
    await this.#cable(space, device, this.#switch, `port${n}`);
    await sh(["ip", "-n", this.#switch, "link", "set", `port${n}`, "master", "switch"]);
    for (const cidr of cidrs) {
      await sh(["ip", "-n", space, "address", "add", cidr, "dev", device]);
    }
  }

  async #cable(a: string, deviceA: string, b: string, deviceB: string): Promise<void> {
    const ends = ["name", deviceA, "netns", a, "type", "veth", "peer", "name", deviceB, "netns", b];
    await sh(["ip", "link", "add", ...ends]);
    await sh(["ip", "-n", a, "link", "set", deviceA, "up"]);
    await sh(["ip", "-n", b, "link", "set", deviceB, "up"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop("SIGKILL")));
    for (const space of this.#spaces) await sh(["ip", "netns", "delete", space]).catch(() => {});
    await Deno.remove(this.folder, { recursive: true });
  }
}
