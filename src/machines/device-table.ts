/**
 * Who is at home: devices by their MAC address, each with its addresses. The table is bounded whatever is sent to it: where it is full, those without a
 * name that were not seen for longest go first.
 */
import { type Ip, type Ip6, ip6ToBigInt, isIp4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { hostAddress, type Prefix } from "../addr/prefix.ts";
import type { Instant } from "../addr/time.ts";
import { type Device, type DeviceAddress, type Evidence, type NameSource, scopeOf, showsMac } from "./device.ts";

/** A home has some hundred; a sweep with invented MAC addresses must not fill the memory. */
export const MOST_DEVICES = 10_000;
/** Temporary addresses of a week, in several prefixes. */
const MOST_ADDRESSES = 32;
/** Where the table is full, this part of it goes at once: sorting is dear. */
const EVICTED = MOST_DEVICES / 20;

/** An address as the table keeps it. */
export interface AddressRecord {
  readonly address: Ip;
  readonly firstSeen: Instant;
  lastSeen: Instant;
  silent: boolean;
  nature: DeviceAddress["nature"];
  evidence: Evidence | undefined;
  /** It was not seen yet, but follows from an identifier that the device has in each prefix. Given up then. */
  expectedUntil: Instant | undefined;
}

/** A device as the table keeps it. */
export interface DeviceRecord {
  readonly mac: Mac;
  link: string;
  readonly firstSeen: Instant;
  lastSeen: Instant;
  /** Present until it is found to be away. */
  present: boolean;
  readonly addresses: Map<Ip, AddressRecord>;
  /** What others or itself call it, as labels. */
  readonly claims: Partial<Record<NameSource, string>>;
  name: string | undefined;
  nameFrom: NameSource | undefined;
  /** When it came with the addresses that it probed for then, until that is judged. */
  arrival: Arrival | undefined;
  /** It had one address in each prefix so far: it makes no temporary ones. */
  single: boolean;
  /** It was asked for its name by multicast DNS. */
  askedName: boolean;
  /** Unanswered probes since it fell silent. */
  probes: number;
}

/** Addresses that a device probes for within a short time. */
export interface Arrival {
  readonly since: Instant;
  /** It was away before; otherwise it only makes new addresses. */
  hasCome: boolean;
  readonly probed: Set<Ip>;
}

export class DeviceTable {
  readonly #devices = new Map<Mac, DeviceRecord>();
  readonly #owners = new Map<Ip, DeviceRecord>();

  get size(): number {
    return this.#devices.size;
  }

  all(): IterableIterator<DeviceRecord> {
    return this.#devices.values();
  }

  find(mac: Mac): DeviceRecord | undefined {
    return this.#devices.get(mac);
  }

  /** The device that has this address. */
  ownerOf(address: Ip): DeviceRecord | undefined {
    return this.#owners.get(address);
  }

  /** The device with this MAC address, which is new when it was not known. */
  obtain(mac: Mac, link: string, now: Instant): DeviceRecord {
    const known = this.#devices.get(mac);
    if (known) return known;
    if (this.#devices.size >= MOST_DEVICES) this.#evict();
    const device: DeviceRecord = {
      mac,
      link,
      firstSeen: now,
      lastSeen: now,
      present: true,
      addresses: new Map(),
      claims: {},
      name: undefined,
      nameFrom: undefined,
      arrival: undefined,
      single: false,
      askedName: false,
      probes: 0,
    };
    this.#devices.set(mac, device);
    return device;
  }

  /** The address of this device, taken from another one that had it. */
  assign(device: DeviceRecord, address: Ip, firstSeen: Instant): AddressRecord {
    const known = device.addresses.get(address);
    if (known) return known;
    this.#owners.get(address)?.addresses.delete(address);
    if (device.addresses.size >= MOST_ADDRESSES) this.release(device, leastOf(device));
    const isOfMac = showsMac(address);
    const record: AddressRecord = {
      address,
      firstSeen,
      lastSeen: firstSeen,
      silent: false,
      nature: isOfMac ? "mac-derived" : "unknown",
      evidence: isOfMac ? "mac" : undefined,
      expectedUntil: undefined,
    };
    device.addresses.set(address, record);
    this.#owners.set(address, device);
    return record;
  }

  /** The addresses that the device will have in this /64 as it has them in others. */
  expect(device: DeviceRecord, network: Prefix, until: Instant): void {
    for (const { address, nature, evidence } of routable(device)) {
      const lasts = nature === "mac-derived" || evidence === "same-identifier";
      const next = hostAddress(network, identifierOf(address));
      if (!lasts || device.addresses.has(next) || this.#owners.has(next)) continue;
      const record = this.assign(device, next, device.lastSeen);
      [record.nature, record.evidence, record.expectedUntil] = [nature, evidence, until];
    }
  }

  /** Gives up what was expected and has not come. */
  dropUnmet(now: Instant): void {
    for (const device of this.#devices.values()) {
      for (const { address, expectedUntil } of device.addresses.values()) {
        if (expectedUntil !== undefined && expectedUntil <= now) this.release(device, address);
      }
    }
  }

  /** Another IPv4 lease takes the place of those before. */
  releaseLeases(device: DeviceRecord): void {
    for (const { address, evidence } of device.addresses.values()) {
      if (isIp4(address) && evidence === "lease") this.release(device, address);
    }
  }

  release(device: DeviceRecord, address: Ip): void {
    device.addresses.delete(address);
    if (this.#owners.get(address) === device) this.#owners.delete(address);
  }

  remove(device: DeviceRecord): void {
    for (const address of device.addresses.keys()) this.release(device, address);
    this.#devices.delete(device.mac);
  }

  #evict(): void {
    const worth = ({ claims, name, lastSeen }: DeviceRecord): number =>
      lastSeen + (claims.config === undefined ? 0 : 2 * NAMED) + (name === undefined ? 0 : NAMED);
    const victims = [...this.#devices.values()].toSorted((a, b) => worth(a) - worth(b)).slice(0, EVICTED);
    for (const victim of victims) this.remove(victim);
  }
}

/** More than any difference of two times: a device with a name outlives one without. */
const NAMED = 1e15;

/** The address that can be missed best. */
function leastOf({ addresses }: DeviceRecord): Ip {
  const worth = ({ nature, lastSeen }: AddressRecord): number => lastSeen + (nature === "stable" || nature === "mac-derived" ? NAMED : 0);
  return [...addresses.values()].reduce((least, each) => (worth(each) < worth(least) ? each : least)).address;
}

/** The upper 64 bits of an IPv6 address. */
export const networkOf = (address: Ip6): bigint => ip6ToBigInt(address) >> 64n;
/** Its interface identifier. */
export const identifierOf = (address: Ip6): bigint => ip6ToBigInt(address) & 0xffff_ffff_ffff_ffffn;

/** IPv6 addresses of a device that are not link-local. */
export function routable(device: DeviceRecord): readonly (AddressRecord & { readonly address: Ip6 })[] {
  return [...device.addresses.values()].flatMap((each) =>
    isIp4(each.address) || scopeOf(each.address) === "link-local" ? [] : [each as AddressRecord & { readonly address: Ip6 }],
  );
}

/** The device as others see it; `isCurrent` tells whether an address lies in a network of its LAN. */
export function toDevice(record: DeviceRecord, isCurrent: (address: Ip) => boolean): Device {
  const { mac, link, firstSeen, lastSeen, present, name, nameFrom } = record;
  return {
    mac,
    link,
    firstSeen,
    lastSeen,
    present,
    ...(name !== undefined && nameFrom !== undefined && { name, nameFrom }),
    addresses: [...record.addresses.values()].map(({ address, nature, evidence, firstSeen: since, lastSeen: seen, silent }) => ({
      address,
      scope: scopeOf(address),
      nature,
      ...(evidence && { evidence }),
      firstSeen: since,
      lastSeen: seen,
      current: isCurrent(address),
      silent,
    })),
  };
}
