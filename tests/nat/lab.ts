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
import {
  inside,
  type Line,
  type Nat,
  portMapper,
  type Router,
  routerRules,
  routerRules6,
  sh,
  shape,
} from "./routers.ts";

/** What keeps a lab from being built here; undefined where nothing does. */
export async function whyNot(): Promise<string | undefined> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "needs root on Linux";
  const name = `camprobe${Deno.pid}`;
  try {
    await sh(["ip", "netns", "add", name]);
    await inside(name, ["nft", "list", "ruleset"]);
    return undefined;
  } catch {
    return "needs iproute2, nftables and network namespaces";
  } finally {
    await sh(["ip", "netns", "delete", name]).catch(() => {});
  }
}

/** A machine of the lab. */
export interface Host {
  readonly space: string;
  readonly ip: string;
  /** Its IPv6 address beside the other one. */
  readonly ip6?: string;
  /** The router of its home, if that has IPv4. */
  readonly router?: Router;
}

/** What a home has beside its router's kind of NAT. */
export interface HomeOptions {
  /** Machines behind the router; one by default. */
  readonly machines?: number;
  /** The carrier's kind of NAT, if the router has no public address of its own. */
  readonly carrier?: Nat;
  /** Whether the router lets others in where a machine asks for it (needs miniupnpd). */
  readonly mapsPorts?: boolean;
  /** Whether the router passes UDP on; it does by default. */
  readonly hasUdp?: boolean;
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
  /** Its data folder. */
  readonly data: string;
  process: Process | undefined;

  constructor(lab: Lab, host: Host, name: string) {
    this.name = name;
    this.#lab = lab;
    this.#inside = ["ip", "netns", "exec", host.space];
    this.data = join(lab.folder, `${name}-${host.space}`);
    this.#flags = ["--data", this.data, "--ntp-server", "none", "--json"];
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
  readonly #others: Deno.ChildProcess[] = [];
  readonly #line: Line | undefined;
  /** What lines really do: less than was asked for where the kernel has no netem. */
  line: Line = { lossPercent: 0, delayMs: 0 };
  readonly #switch: string;
  readonly #publicSpaces: string[] = [];
  #places = 0;
  private constructor(folder: string, line?: Line) {
    this.folder = folder;
    this.#line = line;
    this.#switch = `${this.#prefix}-net`;
  }

  /** An Internet with nobody in it. */
  static async build(line?: Line): Promise<Lab> {
    const lab = new Lab(await Deno.makeTempDir({ prefix: "camellia-nat-" }), line);
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

  /** A home behind a router. */
  async home(nat: Nat, options: HomeOptions = {}): Promise<Host[]> {
    const { machines = 1, carrier, mapsPorts, hasUdp } = options;
    const n = ++this.#places;
    const router = carrier === undefined
      ? { space: await this.#space(`r${n}`), wan: `31.${n}.7.2/8` }
      : await this.#behindCarrier(n, carrier);
    const { space: at } = router;
    if (carrier === undefined) await this.#plug(at, "wan", n, router.wan);
    const rules = routerRules(nat, hasUdp);
    await this.#route(at, `192.168.${n}.1/24`, "net.ipv4.ip_forward=1", rules);
    const hosts: Host[] = [];
    for (let i = 0; i < machines; i++) {
      const space = await this.#space(`h${n}n${i}`);
      const ip = `192.168.${n}.${10 + i}`;
      await this.#cable(space, "eth0", at, `h${i}`);
      await sh(["ip", "-n", at, "link", "set", `h${i}`, "master", "lan"]);
      await sh(["ip", "-n", space, "address", "add", `${ip}/24`, "dev", "eth0"]);
      await sh(["ip", "-n", space, "route", "add", "default", "via", `192.168.${n}.1`]);
      hosts.push({ space, ip, router });
    }
    if (mapsPorts) this.adopt(await portMapper(router, `192.168.${n}.0/24`, this.folder));
    return hosts;
  }

  /** A home's router without a public address: the carrier translates once more. */
  async #behindCarrier(n: number, nat: Nat): Promise<Router> {
    const carrier = await this.#space(`c${n}`);
    const gateway = `100.64.${n}.1`;
    await this.#plug(carrier, "wan", n, `31.${n}.7.2/8`);
    await this.#route(carrier, `${gateway}/24`, "net.ipv4.ip_forward=1", routerRules(nat));
    const router = { space: await this.#space(`r${n}`), wan: `100.64.${n}.2/24`, gateway };
    await this.#cable(router.space, "wan", carrier, "home");
    await sh(["ip", "-n", carrier, "link", "set", "home", "master", "lan"]);
    await sh(["ip", "-n", router.space, "address", "add", router.wan, "dev", "wan"]);
    await sh(["ip", "-n", router.space, "route", "add", "default", "via", gateway]);
    return router;
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
    await inside(router, ["sysctl", "-qw", forwarding]);
    await inside(router, ["nft", "-f", "-"], rules);
  }

  /** A bare node on a public machine, which others join through; the first one starts the network. */
  async node(config: readonly string[] = []): Promise<Person> {
    const host = await this.public();
    const node = new Person(this, host, "node");
    if (config.length > 0) {
      await Deno.mkdir(node.data);
      await Deno.writeTextFile(join(node.data, "config.ini"), `${config.join("\n")}\n`);
    }
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

  /** Remembers a process that is none of the program, to be killed at the end. */
  adopt(child: Deno.ChildProcess): Deno.ChildProcess {
    this.#others.push(child);
    return child;
  }

  async #space(name: string): Promise<string> {
    const space = `${this.#prefix}-${name}`;
    await sh(["ip", "netns", "add", space]);
    this.#spaces.push(space);
    await sh(["ip", "-n", space, "link", "set", "lo", "up"]);
    // No address is anybody else's: to make sure would take a second each time.
    await inside(space, ["sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0"]);
    return space;
  }

  /** Plugs a machine into the switch. */
  async #plug(space: string, device: string, n: number, ...cidrs: string[]): Promise<void> {
    await this.#cable(space, device, this.#switch, `port${n}`);
    await sh(["ip", "-n", this.#switch, "link", "set", `port${n}`, "master", "switch"]);
    for (const cidr of cidrs) {
      await sh(["ip", "-n", space, "address", "add", cidr, "dev", device]);
    }
    if (this.#line !== undefined) this.line = await shape(space, device, this.#line);
  }

  async #cable(a: string, deviceA: string, b: string, deviceB: string): Promise<void> {
    const ends = ["name", deviceA, "netns", a, "type", "veth", "peer", "name", deviceB, "netns", b];
    await sh(["ip", "link", "add", ...ends]);
    await sh(["ip", "-n", a, "link", "set", deviceA, "up"]);
    await sh(["ip", "-n", b, "link", "set", deviceB, "up"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop("SIGKILL")));
    for (const child of this.#others) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await child.status;
    }
    for (const space of this.#spaces) await sh(["ip", "netns", "delete", space]).catch(() => {});
    await Deno.remove(this.folder, { recursive: true });
  }
}
