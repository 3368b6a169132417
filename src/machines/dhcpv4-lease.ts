/** The lease in a DHCPACK (RFC 2131 4.4.1, RFC 2132, RFC 3442), and how it is written down for the next start. */
import { type Ip4, parseIp4, UNSPECIFIED4 } from "../addr/ip.ts";
import { type Mac, parseMac } from "../addr/mac.ts";
import { contains4, DEFAULT_ROUTE4, parsePrefix4, prefix4, prefix4Of } from "../addr/prefix4.ts";
import { after, deadline, type Duration, INFINITY, type Instant, NEVER, type Seconds, seconds } from "../addr/time.ts";
import { type Dhcpv4Message, optionOf } from "../wire/dhcpv4.ts";
import type { Dhcpv4Lease } from "./facts.ts";
import type { Json } from "./machine.ts";

/** RFC 2131 4.4.5. */
const [T1_SHARE, T2_SHARE] = [0.5, 0.875];
/** RFC 791: every host takes that much. */
const LEAST_MTU = 576;
const MOST_ROUTES = 64;
const DOMAIN = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*$/;
/** What Starlink's dish leases while it boots or sees no sky. */
const BOOTING_DISH = prefix4("192.168.100.0/24");
const NOT_FOR_HOSTS = [prefix4("0.0.0.0/8"), prefix4("127.0.0.0/8"), prefix4("224.0.0.0/3")];

/** Whether a host can have this address at all. */
export function isHostAddress(address: Ip4): boolean {
  return !NOT_FOR_HOSTS.some((range) => contains4(range, address));
}

/** An address to get by with until there is a real one. */
export function isProvisional(address: Ip4): boolean {
  return contains4(BOOTING_DISH, address);
}

/** The lease that a DHCPACK gives; undefined when it gives none that can be used. */
export function leaseOf(ack: Dhcpv4Message, via: Mac, now: Instant): Dhcpv4Lease | undefined {
  const server = optionOf(ack, "server-id")?.address;
  const time = optionOf(ack, "lease-time")?.time ?? (0 as Seconds);
  if (server === undefined || time === 0 || !isHostAddress(ack.yiaddr)) return undefined;
  const mtu = optionOf(ack, "mtu")?.octets ?? 0;
  return {
    address: ack.yiaddr,
    network: prefix4Of(ack.yiaddr, optionOf(ack, "subnet-mask")?.length ?? 32),
    server,
    via,
    routes: routesOf(ack),
    ...(mtu >= LEAST_MTU && { mtu }),
    resolvers: (optionOf(ack, "resolvers")?.addresses ?? []).filter(isHostAddress),
    searchDomains: domainsOf(ack),
    ntpServers: (optionOf(ack, "ntp-servers")?.addresses ?? []).filter(isHostAddress),
    ...timesOf(ack, time, now),
  };
}

/** The one domain of option 15 is any text. */
function domainsOf(ack: Dhcpv4Message): readonly string[] {
  const own = optionOf(ack, "domain-name")?.text.replace(/\.$/, "") ?? "";
  return optionOf(ack, "domain-search")?.domains ?? (DOMAIN.test(own) ? [own] : []);
}

/** Classless routes make the routers' option void, RFC 3442. */
function routesOf(ack: Dhcpv4Message): Dhcpv4Lease["routes"] {
  const classless = optionOf(ack, "classless-routes")?.routes;
  if (classless) return classless.filter(({ router }) => router === UNSPECIFIED4 || isHostAddress(router)).slice(0, MOST_ROUTES);
  const [router] = (optionOf(ack, "routers")?.addresses ?? []).filter(isHostAddress);
  return router === undefined ? [] : [{ destination: DEFAULT_ROUTE4, router }];
}

/** T1 and T2 that are not before each other and the end are no use. */
function timesOf(ack: Dhcpv4Message, time: Seconds, now: Instant): Pick<Dhcpv4Lease, "renewAt" | "rebindAt" | "validUntil"> {
  const validUntil = deadline(now, time);
  if (time === INFINITY) return { renewAt: NEVER, rebindAt: NEVER, validUntil };
  const own = { t1: time * T1_SHARE, t2: Math.floor(time * T2_SHARE) };
  const t1 = optionOf(ack, "renewal-time")?.time ?? own.t1;
  const t2 = optionOf(ack, "rebinding-time")?.time ?? own.t2;
  const { t1: renew, t2: rebind } = t1 > 0 && t1 < t2 && t2 < time ? { t1, t2 } : own;
  return { renewAt: after(now, seconds(renew)), rebindAt: after(now, seconds(rebind)), validUntil };
}

const VERSION = 1;

/** NEVER is written as null. */
export function leaseToJson(lease: Dhcpv4Lease | undefined): Json {
  const finite = (at: Instant): number | null => (at === NEVER ? null : at);
  if (!lease) return { version: VERSION, lease: null };
  const { renewAt, rebindAt, validUntil, routes, ...rest } = lease;
  const times = { renewAt: finite(renewAt), rebindAt: finite(rebindAt), validUntil: finite(validUntil) };
  return { version: VERSION, lease: { ...rest, ...times, routes: routes.map((route) => ({ ...route })) } };
}

/** Reads a saved lease, moving its Instants by `shift`; undefined when there is none, or one that is damaged. */
export function leaseFromJson(json: Json, shift: Duration): Dhcpv4Lease | undefined {
  const { version, lease } = fields(json);
  const saved = fields(lease ?? null);
  const [address, server] = [parseIp4(text(saved["address"])), parseIp4(text(saved["server"]))];
  const [network, via] = [parsePrefix4(text(saved["network"])), parseMac(text(saved["via"]))];
  const [renewAt, rebindAt, validUntil] = [saved["renewAt"], saved["rebindAt"], saved["validUntil"]].map((at) => moved(at, shift));
  if (version !== VERSION || !address || !server || !network || !via || !renewAt || !rebindAt || !validUntil) return undefined;
  const routes = list(saved["routes"]).flatMap((route) => {
    const destination = parsePrefix4(text(fields(route)["destination"]));
    const router = parseIp4(text(fields(route)["router"]));
    return destination && router ? [{ destination, router }] : [];
  });
  const mtu = saved["mtu"];
  return {
    address,
    network,
    server,
    via,
    routes,
    ...(typeof mtu === "number" && { mtu }),
    resolvers: addresses(saved["resolvers"]),
    searchDomains: list(saved["searchDomains"]).map(text),
    ntpServers: addresses(saved["ntpServers"]),
    renewAt,
    rebindAt,
    validUntil,
  };
}

function fields(json: Json): { readonly [key: string]: Json } {
  return json !== null && typeof json === "object" && !Array.isArray(json) ? (json as { readonly [key: string]: Json }) : {};
}

const text = (json: Json | undefined): string => (typeof json === "string" ? json : "");
const list = (json: Json | undefined): readonly Json[] => (Array.isArray(json) ? (json as readonly Json[]) : []);
const addresses = (json: Json | undefined): readonly Ip4[] => list(json).flatMap((each) => parseIp4(text(each)) ?? []);

function moved(json: Json | undefined, shift: Duration): Instant | undefined {
  if (json === null) return NEVER;
  return typeof json === "number" ? after(json as Instant, shift) : undefined;
}
