/** What no single field can tell: keys that contradict each other. */
import { overlaps4, type Prefix4 } from "../addr/prefix4.ts";
import { type Complaint, isTable, type Lans } from "./complaint.ts";
import { checkDevices } from "./device-checks.ts";
import { checkPools } from "./dhcp-checks.ts";
import { nearest } from "./did-you-mean.ts";
import { lanNetworks, parseLanIpv4 } from "./lan-ipv4.ts";
import { type Opening, parseOpening } from "./opening.ts";
import { checkForwards } from "./port-forward.ts";
import type { ConfigFile } from "./schema.ts";
import type { Path, TomlDocument } from "./toml-document.ts";

/** A subnet, an address and a few rules each: more than any home has, and still planned in a blink. */
const MOST_LANS = 256;
const LAN_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;
/** The schema library leaves them out of records. */
const UNUSABLE_NAMES: readonly string[] = ["constructor", "prototype"];

/**
 * Complaints about a file of which nothing is known yet: each check looks only at fields of the type that it needs, so that these complaints come
 * together with those of the schema.
 */
export function checkTogether(document: TomlDocument): readonly Complaint[] {
  const { root } = document;
  const lans: Lans = Object.entries(isTable(root["lan"]) ? root["lan"] : {}).flatMap(([name, lan]) => (isTable(lan) ? [[name, lan]] : []));
  const networks = lanNetworks(
    lans.map(([name, { ipv4 }]) => ({ name, ipv4 })),
    isIpv4Off(root),
  );
  const devices = isTable(root["device"]) ? root["device"] : {};
  return [
    ...checkCount(root, lans),
    ...lans.flatMap(([name]) => checkName(name)),
    ...checkInterfaces(root, lans),
    ...checkSubnets(lans),
    ...checkIpv4(root, lans),
    ...lans.flatMap(([name, lan]) => checkIntervals(name, lan)),
    ...checkPools(lans, networks),
    ...checkDevices(devices, networks),
    ...checkForwards(root["forward"], { isOff: isIpv4Off(root), devices, gatewayOpen: gatewayOpenings(root), networks }),
  ];
}

function gatewayOpenings({ gateway }: TomlDocument["root"]): readonly Opening[] {
  const open = isTable(gateway) && Array.isArray(gateway["open"]) ? gateway["open"] : [];
  return open.flatMap((text: unknown) => (typeof text === "string" ? (parseOpening(text) ?? []) : []));
}

/** "there is no key ...", with the key that was probably meant. */
export function unknownKey(path: Path, known: readonly string[]): Complaint {
  const key = String(path.at(-1));
  const meant = nearest(key, known);
  const place = path.length === 1 ? "a config" : tableName(path.slice(0, -1));
  const advice = meant === undefined ? `it may hold ${known.join(", ")}` : `did you mean "${meant}"?`;
  return { path, at: "key", text: `${place} has no key "${key}"; ${advice}` };
}

/** As the header of the table is written. */
export function tableName(path: Path): string {
  return path[0] === "forward" ? "[[forward]]" : `[${path.join(".")}]`;
}

/** RFC 4861 6.2.1: MinRtrAdvInterval is at most this part of MaxRtrAdvInterval. */
const MOST_OF_MAX_INTERVAL = 0.75;

/** min_interval where the file has none: a third of max_interval, never below 3 s. */
export function defaultMinInterval(maxInterval: number): number {
  return Math.max(3, Math.round(maxInterval / 3));
}

function checkCount(root: TomlDocument["root"], lans: Lans): readonly Complaint[] {
  if (isTable(root["lan"]) && Object.keys(root["lan"]).length === 0)
    return [{ path: ["lan"], text: `there is no LAN; write [lan.home] with interface = "eth0"` }];
  return lans.length > MOST_LANS
    ? [{ path: ["lan", lans[MOST_LANS]![0]], text: `there are ${lans.length} LANs; at most ${MOST_LANS} can be had` }]
    : [];
}

function checkName(name: string): readonly Complaint[] {
  if (LAN_NAME.test(name) && !UNUSABLE_NAMES.includes(name)) return [];
  return [
    {
      path: ["lan", name],
      text: `"${name}" can't be the name of a LAN; write letters, digits, "-" and "_", 32 at most, such as [lan.home]`,
    },
  ];
}

function checkInterfaces(root: TomlDocument["root"], lans: Lans): readonly Complaint[] {
  const owners = new Map<unknown, string>();
  if (isTable(root["wan"])) owners.set(root["wan"]["interface"], "[wan]");
  return lans.flatMap(([name, { interface: link }]) => {
    const owner = owners.get(link);
    owners.set(link, owner ?? `[lan.${name}]`);
    if (typeof link !== "string" || owner === undefined) return [];
    const text = `"${link}" is the interface of ${owner} already; each of them needs one of its own`;
    return [{ path: ["lan", name, "interface"], text }];
  });
}

function checkSubnets(lans: Lans): readonly Complaint[] {
  const owners = new Map<number, string>();
  return lans.flatMap(([name, { subnet }]) => {
    if (typeof subnet !== "number") return [];
    const owner = owners.get(subnet);
    owners.set(subnet, owner ?? name);
    if (owner === undefined) return [];
    return [{ path: ["lan", name, "subnet"], text: `subnet ${subnet} belongs to [lan.${owner}] already; write another number, or none` }];
  });
}

function isIpv4Off({ wan }: TomlDocument["root"]): boolean {
  return !isTable(wan) || wan["ipv4"] !== "dhcp";
}

/** Networks that share addresses, and networks that nothing could leave. */
function checkIpv4(root: TomlDocument["root"], lans: Lans): readonly Complaint[] {
  const isOff = isIpv4Off(root);
  const owners: { readonly name: string; readonly network: Prefix4 }[] = [];
  return lans.flatMap(([name, { ipv4 }]) => {
    const own = typeof ipv4 === "string" ? parseLanIpv4(ipv4) : undefined;
    if (!own) return [];
    const path = ["lan", name, "ipv4"];
    if (isOff) return [{ path, text: `an IPv4 network needs a way out; write ipv4 = "dhcp" in [wan], or leave this key out` }];
    const other = owners.find(({ network }) => overlaps4(network, own.network));
    owners.push({ name, network: own.network });
    if (!other) return [];
    return [{ path, text: `${own.network} overlaps ${other.network} of [lan.${other.name}]; write another network, or none` }];
  });
}

function checkIntervals(name: string, { advertise }: Readonly<Record<string, unknown>>): readonly Complaint[] {
  if (!isTable(advertise)) return [];
  const { max_interval: max = 300, min_interval: min } = advertise;
  if (typeof max !== "number" || typeof min !== "number" || min <= max * MOST_OF_MAX_INTERVAL) return [];
  const most = Math.floor(max * MOST_OF_MAX_INTERVAL);
  return [
    {
      path: ["lan", name, "advertise", "min_interval"],
      text: `min_interval must be at most three quarters of max_interval, ${most}, not ${min}`,
    },
  ];
}

/** The names of the LANs in the order of the file; objects would put number-like names first. */
export function lanNames(file: ConfigFile, document: TomlDocument): readonly string[] {
  const place = (name: string): number => {
    const span = document.keyAt(["lan", name])!;
    return span.line * 1e6 + span.column;
  };
  return Object.keys(file.lan).toSorted((a, b) => place(a) - place(b));
}
