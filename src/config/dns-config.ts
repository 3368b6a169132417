/** What stands in [dns]: resolvers as texts, and which domains may be the home's own. */
import { type Ip, isMulticast, parseIp4, parseIp6 } from "../addr/ip.ts";
import type { Upstream } from "../machines/dns-upstream.ts";

const [DNS_PORT, TLS_PORT] = [53, 853];
const LOOPBACKS: readonly string[] = ["127.0.0.1", "::1"];
/** RFC 6761, 6762, 7686, and domains that are everybody's: answered otherwise, or not ours. */
const NOT_OWN: readonly string[] = ["local", "localhost", "invalid", "test", "onion", "arpa", "example"];
/** Single labels that home networks use and the root does not delegate. */
const OWN_LABELS: readonly string[] = ["lan", "home", "internal", "intranet", "private", "localdomain", "corp"];
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** Reads "9.9.9.9", "2620:fe::fe#5353", "tls://ADDRESS#NAME", "https://NAME/PATH#ADDRESS"; undefined when it is none of these. */
export function parseUpstream(text: string): Upstream | undefined {
  if (text.startsWith("tls://")) return parseTls(text.slice("tls://".length));
  if (text.startsWith("https://")) return parseHttps(text);
  const [address = "", port = String(DNS_PORT), ...rest] = text.split("#");
  // At the loopback's own port we would ask ourselves.
  if (rest.length > 0 || (Number(port) === DNS_PORT && LOOPBACKS.includes(address))) return undefined;
  return made(parseAddress(address), parsePort(port), (ip, number) => ({ kind: "plain", address: ip, port: number }));
}

/** Whether a domain may be answered here as the home's own. */
export function isOwnZone(zone: string): boolean {
  const labels = zone.replace(/\.$/, "").toLowerCase().split(".");
  if (labels.join(".").endsWith("home.arpa")) return labels.at(-2) === "home";
  if (NOT_OWN.includes(labels.at(-1)!)) return false;
  return labels.length > 1 || OWN_LABELS.includes(labels[0]!);
}

function parseTls(text: string): Upstream | undefined {
  const [place = "", name = "", ...rest] = text.split("#");
  if (!NAME.test(name) || rest.length > 0) return undefined;
  const [, bracketed, plain, port = String(TLS_PORT)] = /^(?:\[(.+)\]|([^:]+|[^[]*:[^[]*:[^[]*?))(?::(\d+))?$/.exec(place) ?? [];
  return made(parseAddress(bracketed ?? plain ?? ""), parsePort(port), (address, number) => ({ kind: "tls", address, port: number, name }));
}

function parseHttps(text: string): Upstream | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const address = parseAddress(url.hash === "" ? host : url.hash.slice(1));
  url.hash = "";
  return address && { kind: "https", url: url.href, address };
}

function made(address: Ip | undefined, port: number | undefined, make: (address: Ip, port: number) => Upstream): Upstream | undefined {
  return address === undefined || port === undefined ? undefined : make(address, port);
}

function parseAddress(text: string): Ip | undefined {
  const address = parseIp4(text) ?? parseIp6(text);
  return address === undefined || address === "::" || address === "0.0.0.0" || isMulticast(address as never) ? undefined : address;
}

function parsePort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) <= 0xffff ? Number(text) : undefined;
}
