/** What is wrong with the devices that the owner names: names that are none in DNS, and what belongs to two of them. */
import { parseDuid } from "../addr/duid.ts";
import { type Ip4, parseIp4 } from "../addr/ip.ts";
import { parseMac } from "../addr/mac.ts";
import { contains4, host4, prefix4Length } from "../addr/prefix4.ts";
import { type Complaint, isTable } from "./complaint.ts";
import type { LanIpv4 } from "./lan-ipv4.ts";

type Tables = Readonly<Record<string, unknown>>;

/** One DNS label (RFC 1035 2.3.1), in the one spelling in which it is shown. */
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Names that mean something to every device, or are the router's own: whoever has one of them speaks for the network. */
const RESERVED: readonly string[] = ["localhost", "wpad", "isatap", "router", "constructor", "prototype"];

/** The octets of a client identifier without what joins them, in lower case. */
export const octets = (text: string): string => text.replaceAll(":", "").toLowerCase();

/** What belongs to one device alone, in the one form in which it can be compared. */
const UNIQUE: Readonly<Record<string, (text: string) => string | undefined>> = {
  mac: parseMac,
  client_id: octets,
  duid: parseDuid,
  ipv4: parseIp4,
};
const IDENTIFIERS = ["mac", "client_id", "duid"];

/** `networks`: of the LANs that have IPv4, by name. */
export function checkDevices(devices: Tables, networks: ReadonlyMap<string, LanIpv4>): readonly Complaint[] {
  const tables = Object.entries(devices).flatMap(([name, device]): [string, Tables][] => (isTable(device) ? [[name, device]] : []));
  return [
    ...tables.flatMap(([name, device]) => [...checkName(name), ...checkIdentifiers(name, device), ...checkAddress(name, device, networks)]),
    ...Object.keys(UNIQUE).flatMap((key) => checkUnique(key, tables)),
  ];
}

function checkName(name: string): readonly Complaint[] {
  const path = ["device", name];
  if (RESERVED.includes(name)) return [{ path, text: `"${name}" has a meaning of its own in every network; choose another name` }];
  if (NAME.test(name)) return [];
  const rule = 'write lower-case letters, digits and "-" between them, 63 at most, such as [device.printer]';
  return [{ path, text: `"${name}" can't be the name of a device; ${rule}` }];
}

function checkIdentifiers(name: string, device: Tables): readonly Complaint[] {
  if (IDENTIFIERS.some((key) => device[key] !== undefined)) return [];
  return [{ path: ["device", name], text: `nothing tells which device this is; write mac = "b8:27:eb:12:34:56", client_id or duid` }];
}

function checkAddress(name: string, { ipv4 }: Tables, networks: ReadonlyMap<string, LanIpv4>): readonly Complaint[] {
  const address = typeof ipv4 === "string" ? parseIp4(ipv4) : undefined;
  const text = address && faultOf(address, networks);
  return text === undefined ? [] : [{ path: ["device", name, "ipv4"], text }];
}

function faultOf(address: Ip4, networks: ReadonlyMap<string, LanIpv4>): string | undefined {
  if (networks.size === 0) return `no LAN has IPv4; write ipv4 = "dhcp" in [wan], or leave this key out`;
  const [name, own] = [...networks].find(([, { network }]) => contains4(network, address)) ?? [];
  const known = [...networks].map(([lan, { network }]) => `${network} of [lan.${lan}]`).join(", ");
  if (!own) return `${address} is in no LAN's network; write an address in ${known}`;
  if (address === own.address) return `${address} is the router's own address in [lan.${name}]; write another one in ${own.network}`;
  const ends = [host4(own.network, 0), host4(own.network, 2 ** (32 - prefix4Length(own.network)) - 1)];
  return ends.includes(address) ? `no device can have ${address}, an end of ${own.network}; write another one in it` : undefined;
}

function checkUnique(key: string, devices: readonly (readonly [string, Tables])[]): readonly Complaint[] {
  const owners = new Map<string, string>();
  return devices.flatMap(([name, { [key]: written }]) => {
    const value = typeof written === "string" ? UNIQUE[key]!(written) : undefined;
    if (value === undefined) return [];
    const owner = owners.get(value);
    owners.set(value, owner ?? name);
    if (owner === undefined) return [];
    return [
      { path: ["device", name, key], text: `"${written as string}" belongs to [device.${owner}] already; each device needs its own` },
    ];
  });
}
