/** A port of the provider's IPv4 address that leads to a device at home: what [[forward]] says, checked and put into the form in which it is used. */
import { type Ip4, parseIp4 } from "../addr/ip.ts";
import { contains4, overlaps4, parsePrefix4, type Prefix4, prefix4 } from "../addr/prefix4.ts";
import { type Complaint, isTable } from "./complaint.ts";
import type { LanIpv4 } from "./lan-ipv4.ts";
import { formatOpening, type Opening, parseOpening } from "./opening.ts";
import type { Path } from "./toml-document.ts";

export interface PortForward {
  /** On the provider's address. */
  readonly opening: Opening;
  readonly address: Ip4;
  /** Of the device; absent: as on the provider's address. */
  readonly toPort?: number;
  /** Only from there; absent: from everywhere. */
  readonly source?: Prefix4;
}

/** A forward as it was written; of what kind its values are is not known. */
type Written = Readonly<Record<string, unknown>>;

const EVERYWHERE = prefix4("0.0.0.0/0");
/** A rule each, which the first packet of every flow passes. */
const MOST_FORWARDS = 256;

/** An address, or a network, as a network. */
export function parseSource(text: string): Prefix4 | undefined {
  return parsePrefix4(text.includes("/") ? text : `${text}/32`);
}

/** The address of a device by its name, or an address. `devices`: the addresses of those that have one. */
export function targetOf(to: string, devices: ReadonlyMap<string, Ip4>): Ip4 | undefined {
  return parseIp4(to) ?? devices.get(to);
}

interface Surroundings {
  readonly isOff: boolean;
  /** [device.NAME], as they were written. */
  readonly devices: Readonly<Record<string, unknown>>;
  /** Of [gateway]. */
  readonly gatewayOpen: readonly Opening[];
  /** Of the LANs that have IPv4, by name. */
  readonly networks: ReadonlyMap<string, LanIpv4>;
}

/** What is wrong with the forwards, alone and beside each other. */
export function checkForwards(written: unknown, surroundings: Surroundings): readonly Complaint[] {
  const forwards = Array.isArray(written) ? written.map((each: unknown) => (isTable(each) ? each : {})) : [];
  if (forwards.length === 0) return [];
  if (surroundings.isOff)
    return [
      { path: ["forward", 0], text: `a forward needs an IPv4 address of the provider; write ipv4 = "dhcp" in [wan], or leave it out` },
    ];
  if (forwards.length > MOST_FORWARDS)
    return [{ path: ["forward", MOST_FORWARDS], text: `there are ${forwards.length} forwards; at most ${MOST_FORWARDS} can be had` }];
  return forwards.flatMap((forward, index) => [
    ...checkTarget(forward, ["forward", index], surroundings),
    ...checkPorts(forward, ["forward", index]),
    ...checkCollision(forwards, index, surroundings.gatewayOpen),
  ]);
}

function checkTarget({ to }: Written, at: Path, { devices, networks }: Surroundings): readonly Complaint[] {
  if (typeof to !== "string") return [];
  const path = [...at, "to"];
  const device = devices[to];
  const own = isTable(device) && typeof device["ipv4"] === "string" ? parseIp4(device["ipv4"]) : undefined;
  const address = parseIp4(to) ?? own;
  if (address === undefined) {
    const remedy = isTable(device)
      ? `write ipv4 in [device.${to}]`
      : `write the name of a [device.NAME] that has one, or an address of a LAN`;
    return [{ path, text: `"${to}" has no IPv4 address that stays; ${remedy}` }];
  }
  const lan = [...networks].find(([, { network }]) => contains4(network, address));
  if (!lan) {
    const known = [...networks].map(([name, { network }]) => `${network} of [lan.${name}]`).join(", ");
    return own ? [] : [{ path, text: `${address} is in no LAN's network; write an address in ${known}` }];
  }
  if (lan[1].address !== address) return [];
  return [{ path, text: `${address} is the router itself; what it offers is opened by open = ["tcp/22"] in [gateway]` }];
}

function checkPorts({ port, to_port: toPort }: Written, at: Path): readonly Complaint[] {
  const opening = typeof port === "string" ? parseOpening(port) : undefined;
  if (!opening || toPort === undefined || opening.from === opening.to) return [];
  return [{ path: [...at, "to_port"], text: `to_port goes with one port, and ${formatOpening(opening)} is a range; leave it out` }];
}

/** A port can lead to one place only, unless it depends on the source. */
function checkCollision(forwards: readonly Written[], index: number, gatewayOpen: readonly Opening[]): readonly Complaint[] {
  const own = reachOf(forwards[index]!);
  if (!own) return [];
  const path = ["forward", index, "port"];
  const before = forwards.slice(0, index).findIndex((other) => collides(reachOf(other), own));
  if (before >= 0) {
    const text = `${formatOpening(own.opening)} is forwarded to ${String(forwards[before]!["to"])} already; write another port, or sources that differ`;
    return [{ path, text }];
  }
  const opened = gatewayOpen.find((opening) => overlaps(opening, own.opening));
  if (!opened) return [];
  return [{ path, text: `${formatOpening(opened)} is opened to the router itself in [gateway]; write another port, or close it there` }];
}

interface Reach {
  readonly opening: Opening;
  readonly source: Prefix4;
}

function reachOf({ port, source }: Written): Reach | undefined {
  const opening = typeof port === "string" ? parseOpening(port) : undefined;
  const from = typeof source === "string" ? parseSource(source) : EVERYWHERE;
  return opening && from && { opening, source: from };
}

const collides = (a: Reach | undefined, b: Reach): boolean =>
  a !== undefined && overlaps(a.opening, b.opening) && overlaps4(a.source, b.source);

const overlaps = (a: Opening, b: Opening): boolean => a.protocol === b.protocol && a.from <= b.to && b.from <= a.to;
