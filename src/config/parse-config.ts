/** From the text of a config file to a Config, or to everything that is wrong with it. */
import * as v from "valibot";
import { parseDuid } from "../addr/duid.ts";
import { ip4, ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { prefix } from "../addr/prefix.ts";
import { parseRange4 } from "../addr/range4.ts";
import type { Seconds } from "../addr/time.ts";
import type { AdvertiseConfig, Config, DeviceConfig, DhcpConfig, Dhcpv6Config, DnsConfig, LanConfig, PortForward } from "./config.ts";
import type { Complaint } from "./complaint.ts";
import { octets } from "./device-checks.ts";
import { checkTogether, defaultMinInterval, lanNames, tableName, unknownKey } from "./config-checks.ts";
import { ConfigError, type ConfigProblem, excerptOf, type Span } from "./config-error.ts";
import { defaultPool } from "./dhcp-pool.ts";
import { parseUpstream } from "./dns-config.ts";
import { type LanIpv4, lanNetworks } from "./lan-ipv4.ts";
import { type Opening, parseOpening } from "./opening.ts";
import { parseSource, targetOf } from "./port-forward.ts";
import { type ConfigFile, schema } from "./schema.ts";
import { parseToml, type Path, type TomlDocument, TomlSyntaxError } from "./toml-document.ts";

type Issue = v.InferIssue<typeof schema>;

/**
 * Reads a config. `file` is its name, for messages.
 * @throws ConfigError with every problem of the file; when it is no TOML, with the first.
 */
export function parseConfig(text: string, file: string): Config {
  const document = readDocument(text, file);
  const result = v.safeParse(schema, document.root, { abortPipeEarly: true });
  const complaints = [...(result.issues ?? []).map((issue) => complain(issue, document, text)), ...checkTogether(document)];
  if (!result.success || complaints.length > 0) throw new ConfigError(file, problemsOf(complaints, document, text));
  return toConfig(result.output, document);
}

function readDocument(text: string, file: string): TomlDocument {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlSyntaxError)) throw error;
    const said = error.message.charAt(0).toLowerCase() + error.message.slice(1);
    const problem = { ...error.span, text: `this is no TOML: ${said}`, excerpt: excerptOf(text, error.span) };
    throw new ConfigError(file, [problem]);
  }
}

function complain(issue: Issue, document: TomlDocument, text: string): Complaint {
  const path = (issue.path ?? []).map(({ key }) => key as string | number);
  if (issue.type === "strict_object") return complainOfTable(issue, path);
  const key = path.at(-1);
  const span = document.valueAt(path);
  return {
    path,
    text: `${typeof key === "number" ? "each element" : key} must be ${issue.message}, not ${span ? written(text, span) : "a table"}`,
  };
}

/** A table is no table, holds an unknown key, or lacks one. */
function complainOfTable(issue: Issue, path: Path): Complaint {
  const place = issue.path?.at(-1);
  if (place?.origin !== "key") return { path, text: `${path.at(-1)} must be a table, not ${issue.received}` };
  if (Array.isArray(place.input)) return { path: path.slice(0, -1), text: `${path.at(-2)} must be one table, not a list` };
  return issue.expected === "never" ? unknownKey(path, knownKeys(path)) : missingKey(path);
}

/** A value as the owner wrote it, unless it is long. */
function written(text: string, { line, column, length }: Span): string {
  const rest = text.split(/\r?\n/)[line - 1]!.slice(column - 1);
  return length <= Math.min(40, rest.length) ? rest.slice(0, length) : "what stands here";
}

/** Of keys that are needed and are no interface. */
const EXAMPLES: Readonly<Record<string, string>> = { port: "tcp/443", to: "printer" };

function missingKey(path: Path): Complaint {
  const key = String(path.at(-1));
  if (path.length === 1)
    return { path: [], text: `the table [${key === "lan" ? "lan.home" : key}] is missing; it needs interface = "eth0"` };
  const table = path.slice(0, -1);
  return { path: table, text: `${tableName(table)} needs the key "${key}", such as ${key} = "${EXAMPLES[key] ?? "eth0"}"` };
}

/** The keys that the table around the last part of `path` may hold. */
function knownKeys(path: Path): readonly string[] {
  if (path.length === 1) return Object.keys(schema.entries);
  const { wan, lan, device, gateway, forward, dns, ula } = schema.entries;
  switch (path[0] as keyof typeof schema.entries) {
    case "wan":
      return Object.keys(wan.entries);
    case "lan":
      return Object.keys(
        path.length > 3 ? lan.value.entries[path[2] as "advertise" | "dhcp" | "dhcpv6"].wrapped.entries : lan.value.entries,
      );
    case "device":
      return Object.keys(device.wrapped.value.entries);
    case "gateway":
      return Object.keys(gateway.wrapped.entries);
    case "forward":
      return Object.keys(forward.wrapped.item.entries);
    case "dns":
      return Object.keys(dns.wrapped.entries);
    case "ula":
      return Object.keys(ula.wrapped.entries);
  }
}

/** The complaints with their places, in the order of the file, each once. */
function problemsOf(complaints: readonly Complaint[], document: TomlDocument, text: string): readonly ConfigProblem[] {
  const problems = new Map(complaints.map((complaint) => [JSON.stringify(complaint), locate(complaint, document, text)]));
  return [...problems.values()].toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** What is missing from the file as a whole has no line. */
function locate({ path, at, text: said }: Complaint, document: TomlDocument, text: string): ConfigProblem {
  const span = (at === "key" ? document.keyAt(path) : undefined) ?? document.valueAt(path) ?? document.keyAt(path);
  return span ? { ...span, text: said, excerpt: excerptOf(text, span) } : { line: 0, column: 0, length: 0, text: said, excerpt: "" };
}

function toConfig(file: ConfigFile, document: TomlDocument): Config {
  const { wan, gateway, dns, ula } = file;
  const devices = Object.entries(file.device).map(([name, device]) => toDevice(name, device));
  return {
    wan: {
      interface: wan.interface,
      prefixHint: wan.prefix_hint,
      requestAddress: wan.request_address,
      temporaryAddresses: wan.temporary_addresses,
      rapidCommit: wan.rapid_commit,
      ipv4: wan.ipv4,
    },
    lans: toLans(file, lanNames(file, document)),
    devices,
    gateway: { open: toOpenings(gateway.open) },
    forwards: file.forward.flatMap((forward) => toForward(forward, devices)),
    dns: toDns(dns),
    ula: ula.prefix === "off" || ula.prefix === "auto" ? ula.prefix : prefix(ula.prefix),
  };
}

function toLans(file: ConfigFile, names: readonly string[]): readonly LanConfig[] {
  const networks = lanNetworks(
    names.map((name) => ({ name, ipv4: file.lan[name]!.ipv4 })),
    file.wan.ipv4 === "off",
  );
  // A device that asks for "laptop" means the one at home.
  const search = file.dns.enabled ? [toDns(file.dns).zone] : [];
  return names.map((name) => toLan(name, file.lan[name]!, networks.get(name), search));
}

function toLan(name: string, lan: ConfigFile["lan"][string], ipv4: LanIpv4 | undefined, search: readonly string[]): LanConfig {
  return {
    name,
    interface: lan.interface,
    ...(lan.subnet !== undefined && { subnet: lan.subnet }),
    ...(ipv4 && { ipv4, ...(lan.dhcp.enabled && { dhcp: toDhcp(lan.dhcp, ipv4) }) }),
    open: toOpenings(lan.open),
    advertise: toAdvertise(lan.advertise, search),
    dhcpv6: toDhcpv6(lan.dhcpv6),
  };
}

function toDhcp({ pool, lease }: ConfigFile["lan"][string]["dhcp"], ipv4: LanIpv4): DhcpConfig {
  return { pool: (pool === undefined ? undefined : parseRange4(pool)) ?? defaultPool(ipv4), lease: lease as Seconds };
}

function toDevice(name: string, device: ConfigFile["device"][string]): DeviceConfig {
  const { mac: hardware, client_id: clientId, duid: written, ipv4 } = device;
  const duid = written === undefined ? undefined : parseDuid(written);
  return {
    name,
    ...(hardware !== undefined && { mac: mac(hardware) }),
    ...(clientId !== undefined && { clientId: octets(clientId) }),
    ...(duid && { duid }),
    ...(ipv4 !== undefined && { ipv4: ip4(ipv4) }),
  };
}

function toDhcpv6({ addresses, delegate, delegated_length }: ConfigFile["lan"][string]["dhcpv6"]): Dhcpv6Config {
  return { addresses, ...(delegate && { delegatedLength: delegated_length }) };
}

/** The checks have seen that there is an address. */
function toForward({ port, to, to_port, source }: ConfigFile["forward"][number], devices: readonly DeviceConfig[]): readonly PortForward[] {
  const opening = parseOpening(port);
  const address = targetOf(to, new Map(devices.flatMap(({ name, ipv4 }) => (ipv4 ? [[name, ipv4]] : []))));
  const from = source === undefined ? undefined : parseSource(source);
  return opening && address ? [{ opening, address, ...(to_port !== undefined && { toPort: to_port }), ...(from && { source: from }) }] : [];
}

function toAdvertise(advertise: ConfigFile["lan"][string]["advertise"], search: readonly string[]): AdvertiseConfig {
  const { max_interval, min_interval, other_information, resolvers, search_domains, mtu, pref64, captive_portal } = advertise;
  return {
    maxInterval: max_interval,
    minInterval: min_interval ?? defaultMinInterval(max_interval),
    otherInformation: other_information,
    searchDomains: search_domains ?? search,
    ...(resolvers && { resolvers: resolvers.map(ip6) }),
    ...(mtu !== undefined && { mtu }),
    ...(pref64 !== undefined && { pref64: prefix(pref64) }),
    ...(captive_portal !== undefined && { captivePortal: captive_portal }),
  };
}

function toDns({ enabled, zone, upstreams, rebind_exceptions, forwarded_zones }: ConfigFile["dns"]): DnsConfig {
  const bare = (name: string): string => name.replace(/\.$/, "").toLowerCase();
  return {
    enabled,
    zone: bare(zone),
    ...(upstreams && { upstreams: upstreams.flatMap((each) => parseUpstream(each) ?? []) }),
    rebindExceptions: rebind_exceptions.map(bare),
    forwardedZones: forwarded_zones.map(bare),
  };
}

function toOpenings(texts: readonly string[]): readonly Opening[] {
  return texts.flatMap((text) => parseOpening(text) ?? []);
}
