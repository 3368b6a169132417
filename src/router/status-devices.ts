/** From the table of devices to what people are shown. */
import { isIp4 } from "../addr/ip.ts";
import type { Instant } from "../addr/time.ts";
import type { DeviceStatus } from "../api/devices.ts";
import type { Config } from "../config/config.ts";
import { type Device, isRandomMac, showsMac } from "../machines/device.ts";

/** `wall` is the wall-clock time of `now`, in milliseconds since 1970. Pure. */
export function describeDevices(config: Config, devices: readonly Device[], now: Instant, wall: number): readonly DeviceStatus[] {
  const iso = (at: Instant): string => new Date(wall - (now - at)).toISOString();
  return devices.map(({ mac, link, name, nameFrom, firstSeen, lastSeen, present, addresses }) => ({
    ...(name !== undefined && nameFrom && { name, nameFrom }),
    mac,
    randomMac: isRandomMac(mac),
    lan: config.lans.find((lan) => lan.interface === link)?.name ?? link,
    present,
    firstSeen: iso(firstSeen),
    lastSeen: iso(lastSeen),
    addresses: addresses.map(({ address, scope, nature, evidence, lastSeen: seen, current, silent }) => ({
      address,
      scope,
      nature,
      ...(evidence && { evidence }),
      lastSeen: iso(seen),
      current,
      silent,
    })),
    showsMac: addresses.some(
      ({ address, scope, current, silent }) => current && !silent && scope === "global" && !isIp4(address) && showsMac(address),
    ),
  }));
}
