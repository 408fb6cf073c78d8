/**
 * UPnP, as far as a home router needs it to let a port in (Internet Gateway Device 1 and 2; UPnP Device
 * Architecture 1.1, sections 1.3 and 3).
 *
 * The router is found by a datagram to all, describes itself in XML over HTTP, and takes orders as SOAP.
 * What it says is used only as far as it names itself: no other machine is called.
 *
 * @module
 */

import type { Endpoint } from "../../lib/ip_address.ts";
import type { Time } from "../../lib/time.ts";
import { pause, within } from "../../lib/waiting.ts";
import type { HomeAddress } from "./interfaces.ts";
import type { Mapping, MappingRequest } from "./mapping_codec.ts";
import type { MapPort } from "./port_mapper.ts";

/** Where routers hear the search. */
const everyone: Endpoint = { ip: "239.255.255.250", port: 1900 };

/** The search is said so often, since it may get lost. */
const searchesMax = 3;

/** From one search to the next. */
const searchMs = 400;

/** How long finding a router and ordering may take. */
const upnpMsMax = 3_000;

/** The longest answer read: descriptions have some 5 KB. */
const answerBytesMax = 65_536;

/** Error code of WANIPConnection, section 2.4.16: the router knows lasting mappings alone. */
const onlyLasting = 725;

/** What an order is for, and where it is taken. */
export interface Control {
  /** Where it is posted to. */
  readonly url: URL;
  /** The service, such as urn:schemas-upnp-org:service:WANIPConnection:1. */
  readonly service: string;
}

/** What {@linkcode upnpMapper} needs. */
export interface UpnpOptions {
  /** Time. */
  readonly time: Pick<Time, "after">;
  /** This machine's addresses. */
  readonly home: () => readonly HomeAddress[];
  /** Where to search; replaceable for tests. */
  readonly search?: Endpoint;
}

/** Has a router let a port in, or takes that back, by UPnP. */
export function upnpMapper({ time, home, search = everyone }: UpnpOptions): MapPort {
  return async (request, signal) => {
    const [own] = home();
    if (own === undefined) return undefined;
    try {
      return await within({ clock: time, ms: upnpMsMax }, async (limit) => {
        const location = await find(search, time, limit);
        const text = location && await textOf(await fetch(location, { signal: limit }));
        const control = location && controlIn(text ?? "", location);
        return control && await order(control, request, own.ip, limit);
      }, signal);
    } catch {
      return undefined;
    }
  };
}

/** Where the first router that answers describes itself; undefined when the signal is raised before. */
async function find(
  to: Endpoint,
  time: Pick<Time, "after">,
  signal: AbortSignal,
): Promise<URL | undefined> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  const close = () => socket.close();
  signal.addEventListener("abort", close);
  const over = new AbortController();
  const searched = (async () => {
    for (let i = 0; i < searchesMax && !over.signal.aborted; i++) {
      for (const version of [1, 2]) {
        const address = { transport: "udp", hostname: to.ip, port: to.port } as const;
        await socket.send(new TextEncoder().encode(searchFor(version)), address);
      }
      await pause(time, searchMs, over.signal);
    }
  })().catch(() => {});
  try {
    for await (const [bytes, from] of socket) {
      const location = from.transport === "udp" ? locationIn(bytes, from.hostname) : undefined;
      if (location !== undefined) return location;
    }
    return undefined;
  } finally {
    signal.removeEventListener("abort", close);
    over.abort();
    await searched;
    if (!signal.aborted) socket.close();
  }
}

function searchFor(version: number): string {
  return [
    "M-SEARCH * HTTP/1.1",
    "HOST: 239.255.255.250:1900",
    'MAN: "ssdp:discover"',
    "MX: 1",
    `ST: urn:schemas-upnp-org:device:InternetGatewayDevice:${version}`,
    "",
    "",
  ].join("\r\n");
}

/** Where the sender of an answer describes itself; undefined where it names another machine. */
export function locationIn(bytes: Uint8Array, sender: string): URL | undefined {
  const text = new TextDecoder().decode(bytes);
  const url = URL.parse(/^location:[ \t]*(\S+)/im.exec(text)?.[1] ?? "");
  return url?.protocol === "http:" && url.hostname === sender ? url : undefined;
}

/** Where orders about ports are taken, by the description at the location; undefined where nowhere there. */
export function controlIn(description: string, location: URL): Control | undefined {
  const base = textIn(description, "URLBase") ?? location.href;
  for (const [service] of description.matchAll(/<service>[^]*?<\/service>/g)) {
    const type = textIn(service, "serviceType") ?? "";
    if (!/^urn:schemas-upnp-org:service:WAN(IP|PPP)Connection:[12]$/.test(type)) continue;
    const url = URL.parse(textIn(service, "controlURL") ?? "", base);
    if (url?.protocol === "http:" && url.hostname === location.hostname) {
      return { url, service: type };
    }
  }
  return undefined;
}

/** What stands in the first element of a name. */
function textIn(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(xml)?.[1];
}

/** Has the router map the port, or take the mapping back. */
async function order(
  control: Control,
  request: MappingRequest,
  ownIp: string,
  signal: AbortSignal,
): Promise<Mapping | undefined> {
  const { transport, port, lifetimeS } = request;
  const place = { RemoteHost: "", ExternalPort: port, Protocol: transport.toUpperCase() };
  const mapping = { outerPort: port, lifetimeS };
  if (lifetimeS === 0) {
    const code = await call(control, "DeletePortMapping", place, signal);
    return code === undefined ? mapping : undefined;
  }
  const add = (leaseS: number) =>
    call(control, "AddPortMapping", {
      ...place,
      InternalPort: port,
      InternalClient: ownIp,
      Enabled: 1,
      PortMappingDescription: "Camellia",
      LeaseDuration: leaseS,
    }, signal);
  const refused = await add(lifetimeS);
  if (refused === onlyLasting) return await add(0) === undefined ? mapping : undefined;
  return refused === undefined ? mapping : undefined;
}

/** One order; undefined where it was carried out, else the router's error code, or 0 where it has none. */
async function call(
  { url, service }: Control,
  action: string,
  values: Readonly<Record<string, string | number>>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const fields = Object.entries(values).map(([name, value]) => `<New${name}>${value}</New${name}>`);
  const body = '<?xml version="1.0"?>' +
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${service}">${fields.join("")}</u:${action}></s:Body></s:Envelope>`;
  const headers = {
    "content-type": 'text/xml; charset="utf-8"',
    soapaction: `"${service}#${action}"`,
  };
  const response = await fetch(url, { method: "POST", headers, body, redirect: "error", signal });
  const text = await textOf(response);
  return response.ok ? undefined : Number(textIn(text, "errorCode") ?? 0);
}

/** The beginning of an answer's text: a router that never ends is not followed. */
async function textOf(response: Response): Promise<string> {
  let text = "";
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (text.length > answerBytesMax) throw new Error("Cannot use the router: it says too much");
  }
  return text;
}
