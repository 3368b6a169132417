/** The names of the home out of the table of devices: each device's, and the router's own. */
import { type Ip, type Ip4, type Ip6, isIp4, isLinkLocal } from "../addr/ip.ts";
import type { Prefix } from "../addr/prefix.ts";
import { contains } from "../addr/prefix.ts";
import type { Prefix4 } from "../addr/prefix4.ts";
import type { Instant } from "../addr/time.ts";
import type { DeviceNames } from "./device-names.ts";
import type { AddressRecord, DeviceRecord, DeviceTable } from "./device-table.ts";
import { type HomeLan, isOf } from "./home-lan.ts";
import { type LocalName, type LocalNames, ROUTER_LABEL } from "./local-names.ts";

export class DeviceLocalNames implements LocalNames {
  readonly #table: DeviceTable;
  readonly #devices: DeviceNames;
  readonly #ownNames: readonly string[];
  #lans: ReadonlyMap<string, HomeLan> = new Map();
  #networks: readonly (Prefix | Prefix4)[] = [];

  /** `ownNames` are the router's, the first of them the one for the way back. */
  constructor(table: DeviceTable, devices: DeviceNames, ownNames: readonly string[]) {
    this.#table = table;
    this.#devices = devices;
    this.#ownNames = [...ownNames, ROUTER_LABEL];
  }

  get networks(): readonly (Prefix | Prefix4)[] {
    return this.#networks;
  }

  follow(lans: ReadonlyMap<string, HomeLan>): void {
    this.#lans = lans;
    this.#networks = [...lans.values()].flatMap(({ ipv4, prefixes }) => [
      ...prefixes.map(({ prefix }) => prefix),
      ...(ipv4 ? [ipv4.network] : []),
    ]);
  }

  find(label: string, now: Instant): LocalName | undefined {
    if (this.#ownNames.includes(label)) return this.#own(label, now);
    const device = this.#devices.find(label);
    const lan = device && this.#lans.get(device.link);
    if (!device || !lan) return device && { name: label, ip4: [], ip6: [] };
    const shown = [...device.addresses.values()].filter((each) => isShown(each, device, lan));
    return {
      name: label,
      ip4: shown.map(({ address }) => address).filter(isIp4),
      ip6: shown.flatMap(({ address }) => preferred(lan, address, now)),
    };
  }

  nameOf(address: Ip): string | undefined {
    const isOwn = [...this.#lans.values()].some(({ own }) => own.some((each) => each.address === address));
    return isOwn ? this.#ownNames[0] : this.#table.ownerOf(address)?.name;
  }

  #own(name: string, now: Instant): LocalName {
    const own = [...this.#lans.values()].flatMap((lan) => lan.own);
    return {
      name,
      ip4: own.flatMap(({ address }): Ip4[] => (isIp4(address) ? [address] : [])),
      ip6: own.flatMap(({ address, preferredUntil }) => (isIp4(address) || preferredUntil <= now ? [] : [{ address, preferredUntil }])),
    };
  }
}

/** What does not answer is left out, unless nothing of the device does: it may sleep, and wake up when it is called. */
function isShown({ address, nature, silent }: AddressRecord, device: DeviceRecord, lan: HomeLan): boolean {
  if (!isOf(lan, address) || (!isIp4(address) && (isLinkLocal(address) || nature === "unknown" || nature === "temporary"))) return false;
  return !silent || !device.present;
}

/** Nothing where its prefix is deprecated. */
function preferred(
  { prefixes }: HomeLan,
  address: Ip,
  now: Instant,
): readonly { readonly address: Ip6; readonly preferredUntil: Instant }[] {
  if (isIp4(address)) return [];
  const preferredUntil = prefixes.find(({ prefix }) => contains(prefix, address))?.preferredUntil;
  return preferredUntil === undefined || preferredUntil <= now ? [] : [{ address, preferredUntil }];
}
