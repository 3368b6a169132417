/** What `skylan devices` shows: who is at home, with which addresses, and what each gives away. */
import type { Ip } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { AddressNature, AddressScope, Evidence, NameSource } from "../machines/device.ts";

export interface DevicesStatus {
  /** Wall-clock time of this answer, ISO 8601. */
  readonly at: string;
  /** Those that were seen last first. */
  readonly devices: readonly DeviceStatus[];
}

export interface DeviceStatus {
  readonly name?: string;
  readonly nameFrom?: NameSource;
  readonly mac: Mac;
  /** The device made the MAC address up. */
  readonly randomMac: boolean;
  /** Filled in by the command. */
  readonly vendor?: string;
  /** Name of the LAN. */
  readonly lan: string;
  readonly present: boolean;
  /** ISO 8601. */
  readonly firstSeen: string;
  /** ISO 8601. */
  readonly lastSeen: string;
  readonly addresses: readonly DeviceAddressStatus[];
  /** The internet sees its MAC address in an address that it has now. */
  readonly showsMac: boolean;
}

export interface DeviceAddressStatus {
  readonly address: Ip;
  readonly scope: AddressScope;
  readonly nature: AddressNature;
  readonly evidence?: Evidence;
  /** ISO 8601. */
  readonly lastSeen: string;
  /** In a prefix that the home still has. */
  readonly current: boolean;
  /** The device did not answer for it when it was asked last, or came back without it. */
  readonly silent: boolean;
}
