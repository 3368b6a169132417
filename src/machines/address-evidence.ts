/**
 * Which addresses of a device stay and which are temporary (RFC 8981): told by what the device does, as nothing on the wire says it. A device probes for all
 * of its addresses at once when it comes (RFC 4862 5.4), and for another temporary one about once a day.
 */
import { type Ip, type Ip6, isIp4 } from "../addr/ip.ts";
import { after, between, type Instant, seconds } from "../addr/time.ts";
import { scopeOf } from "./device.ts";
import { type AddressRecord, type DeviceRecord, identifierOf, networkOf, routable } from "./device-table.ts";

type Routable = AddressRecord & { readonly address: Ip6 };

/** Probes that belong to one arrival: each waits a second at most, and more than one advertisement may be needed. */
export const SETTLING = seconds(15);
/** From the first probe of a device that comes to its question for routers. */
const AT_ONCE = seconds(5);
/** An address that comes so long after the others was not made with them. */
const LATE = seconds(600);
/** The valid lifetime of a temporary address was a week (RFC 4941), and is two days now (RFC 8981). */
const OLDER_THAN_TEMPORARY = seconds(8 * 86_400);

/** The device probes for an address of its own. True when that must be judged after a while. */
export function noteProbe(device: DeviceRecord, record: AddressRecord, now: Instant): boolean {
  // Its link-local address is the first thing that a device makes.
  const isLinkLocal = scopeOf(record.address) === "link-local";
  const begun = isLinkLocal ? noteComing(device, now) : begin(device, now, false);
  device.arrival!.probed.add(record.address);
  // A device that makes one address in each prefix has made it here too: its name need not wait.
  if (device.single && record.nature === "unknown" && !isLinkLocal) setNature(record, "stable", "alone");
  return begun;
}

/** The device was away and has come back, or is new. True as above. */
export function noteComing(device: DeviceRecord, now: Instant): boolean {
  const { arrival } = device;
  if (arrival && between(arrival.since, now) > AT_ONCE) device.arrival = undefined;
  const begun = begin(device, now, true);
  device.arrival!.hasCome = true;
  return begun;
}

function begin(device: DeviceRecord, now: Instant, hasCome: boolean): boolean {
  if (device.arrival) return false;
  device.arrival = { since: now, hasCome, probed: new Set() };
  return true;
}

/** What the probes of an arrival tell, once no more of them are to come. */
export function judgeArrival(device: DeviceRecord): void {
  const { arrival } = device;
  device.arrival = undefined;
  if (!arrival) return;
  const { hasCome } = arrival;
  // What it has not made again, it has no more.
  if (hasCome) for (const each of routable(device)) if (each.lastSeen < arrival.since) each.silent = true;
  const probed = routable(device).filter(({ address }) => arrival.probed.has(address));
  for (const network of new Set(probed.map(({ address }) => networkOf(address)))) {
    const here = routable(device).filter(({ address }) => networkOf(address) === network);
    judgeNetwork(device, here, arrival.probed, arrival.since, hasCome);
  }
}

function judgeNetwork(device: DeviceRecord, here: readonly Routable[], probed: ReadonlySet<Ip>, since: Instant, hasCome: boolean): void {
  const fresh = here.filter(({ address, firstSeen }) => probed.has(address) && firstSeen >= since);
  const returned = here.filter(({ address, firstSeen }) => probed.has(address) && firstSeen < since);
  const others = here.filter(({ address }) => !probed.has(address));
  if (!hasCome && others.some(({ firstSeen }) => between(firstSeen, since) > LATE)) {
    for (const record of fresh) setNature(record, "temporary", "late");
    return;
  }
  if (fresh.length + returned.length > 1) {
    device.single = false;
    for (const record of here) if (record.evidence === "alone") [record.nature, record.evidence] = ["unknown", undefined];
  } else if (others.every(({ silent }) => silent)) {
    device.single = true;
    for (const record of [...fresh, ...returned]) setNature(record, "stable", "alone");
  }
  if (fresh.length > 0) for (const record of returned) setNature(record, "stable", "returned");
  const lasting = [...fresh, ...returned].some(
    ({ nature, evidence }) => evidence !== "lease" && nature !== "unknown" && nature !== "temporary",
  );
  if (lasting) for (const record of fresh) setNature(record, "temporary", "late");
}

/** What can be told of an address whenever it is seen. */
export function weigh(device: DeviceRecord, record: AddressRecord, now: Instant): void {
  const { address } = record;
  if (isIp4(address) || record.nature === "mac-derived") return;
  if (now > after(record.firstSeen, OLDER_THAN_TEMPORARY)) setNature(record, "stable", "old");
  for (const other of device.addresses.values()) {
    if (isIp4(other.address) || other.nature === "mac-derived" || other === record) continue;
    if (identifierOf(other.address) !== identifierOf(address) || networkOf(other.address) === networkOf(address)) continue;
    setNature(record, "stable", "same-identifier");
    setNature(other, "stable", "same-identifier");
  }
}

/** Evidence of the same weight does not change: the first that is found stays. What contradicts it does. */
export function setNature(record: AddressRecord, nature: AddressRecord["nature"], evidence: NonNullable<AddressRecord["evidence"]>): void {
  if (record.nature === "mac-derived" || record.evidence === "lease") return;
  if (record.nature !== "unknown" && !OVERRULES.has(evidence)) return;
  record.nature = nature;
  record.evidence = evidence;
}

/** What a server says, or what no temporary address can do, against what is concluded from probes. */
const OVERRULES: ReadonlySet<string> = new Set(["lease", "same-identifier"]);
