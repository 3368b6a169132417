/** The table of devices at its place in the loop: what it is told of the LANs and of leases. */
import type { Config } from "../config/config.ts";
import type { Instant } from "../addr/time.ts";
import type { DeviceMemory } from "../machines/device-memory.ts";
import { Devices, type DevicesInput, type DevicesOptions } from "../machines/devices.ts";
import type { Dhcpv6LanServerFact } from "../machines/dhcpv6-lan-service.ts";
import type { HomeLan } from "../machines/home-lan.ts";
import { parseLabel } from "../machines/local-names.ts";
import type { LinkFact } from "../plan/kernel-state.ts";
import type { Desired } from "../plan/plan.ts";
import { leaseNews } from "./lease-news.ts";
import { type Desk, Seat } from "./seat.ts";

export class HomeDevices {
  readonly table: Devices;
  readonly seat: Seat<DevicesInput, never>;
  #home = "";
  #leases: Dhcpv6LanServerFact["leases"] | undefined;

  constructor(options: DevicesOptions, saved: DeviceMemory | undefined, desk: Desk) {
    this.table = new Devices(options, saved);
    this.seat = new Seat({ name: "devices", protocol: "ndp", durability: "disk" }, this.table, desk);
  }

  /** Takes the LANs with the addresses that count on them. */
  follow(lans: readonly HomeLan[], now: Instant): void {
    const home = JSON.stringify(lans);
    if (home === this.#home) return;
    this.#home = home;
    this.seat.deliver({ kind: "home", lans }, now);
  }

  /** Who has a lease is at home, and may have said its name. */
  takeLeases(current: Dhcpv6LanServerFact["leases"] | undefined, now: Instant): void {
    const leases = leaseNews(this.#leases, current);
    this.#leases = current;
    if (leases.length > 0) this.seat.deliver({ kind: "leases", source: "dhcpv6", leases }, now);
  }
}

export function homeLans(config: Config, { advertisements, kernel }: Desired, links: readonly LinkFact[]): readonly HomeLan[] {
  return config.lans.flatMap(({ interface: link, ipv4 }) => {
    const found = links.find(({ name }) => name === link);
    if (found === undefined) return [];
    const { mac, linkLocal } = found;
    const prefixes = (advertisements[link]?.prefixes ?? []).map(({ prefix, preferredUntil }) => ({ prefix, preferredUntil }));
    const own = kernel.addresses
      .filter((each) => each.interface === link)
      .map(({ address, preferredUntil }) => ({ address, preferredUntil }));
    return [{ link, own, mac, prefixes, ...(linkLocal !== undefined && { linkLocal }), ...(ipv4 && { ipv4 }) }];
  });
}

/** The devices that the owner has named, and what the box itself is called, if that can be a name in the home's zone. */
export function devicesOptions({ devices }: Config, hostName: string | undefined): DevicesOptions {
  const own = parseLabel(hostName?.split(".")[0] ?? "");
  return {
    named: devices,
    ownNames: own === undefined ? [] : [own],
  };
}
