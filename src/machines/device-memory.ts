/** The devices as they are kept on disk: names and first sightings survive a power cut. */
import { parseIp4, parseIp6 } from "../addr/ip.ts";
import { parseMac } from "../addr/mac.ts";
import { after, type Duration, type Instant, instant } from "../addr/time.ts";
import { NAME_SOURCES } from "./device.ts";
import { type AddressRecord, type DeviceRecord, type DeviceTable } from "./device-table.ts";
import type { Json } from "./machine.ts";

/** A snapshot, and what makes its Instants those of this boot. */
export interface DeviceMemory {
  readonly snapshot: Json;
  readonly shift: Duration;
}

/** The file is written as a whole. */
const MOST_KEPT = 2000;

type Fields = Readonly<Record<string, Json>>;

export function devicesToJson(table: DeviceTable): Json {
  const devices = [...table.all()].toSorted((a, b) => b.lastSeen - a.lastSeen).slice(0, MOST_KEPT);
  return devices.map(({ mac, link, firstSeen, lastSeen, present, claims, single, addresses }) => ({
    mac,
    link,
    firstSeen,
    lastSeen,
    present,
    claims: { ...claims },
    single,
    addresses: [...addresses.values()].map((each) => ({
      address: each.address,
      firstSeen: each.firstSeen,
      lastSeen: each.lastSeen,
      nature: each.nature,
      evidence: each.evidence ?? null,
    })),
  }));
}

/** Puts what was saved into an empty table; what is none is left out. `settle` gives each its name, in the order in which they were first seen. */
export function restoreDevices(table: DeviceTable, { snapshot, shift }: DeviceMemory, settle: (device: DeviceRecord) => void): void {
  if (!Array.isArray(snapshot)) return;
  const entries = snapshot.filter(isFields).toSorted((a, b) => Number(a["firstSeen"]) - Number(b["firstSeen"]));
  for (const entry of entries) {
    const mac = typeof entry["mac"] === "string" ? parseMac(entry["mac"]) : undefined;
    const [firstSeen, lastSeen] = [entry["firstSeen"], entry["lastSeen"]].map((time) => shifted(time, shift));
    if (mac === undefined || typeof entry["link"] !== "string" || firstSeen === undefined || lastSeen === undefined) continue;
    const device = table.obtain(mac, entry["link"], firstSeen);
    device.lastSeen = lastSeen;
    device.present = entry["present"] === true;
    device.single = entry["single"] === true;
    const claims = entry["claims"];
    if (isFields(claims)) for (const source of NAME_SOURCES) if (typeof claims[source] === "string") device.claims[source] = claims[source];
    if (Array.isArray(entry["addresses"])) for (const each of entry["addresses"]) restoreAddress(table, device, each, shift);
    settle(device);
  }
}

function restoreAddress(table: DeviceTable, device: DeviceRecord, entry: Json, shift: Duration): void {
  if (!isFields(entry)) return;
  const text = entry["address"];
  const address = typeof text === "string" ? (parseIp6(text) ?? parseIp4(text)) : undefined;
  const [firstSeen, lastSeen] = [entry["firstSeen"], entry["lastSeen"]].map((time) => shifted(time, shift));
  if (address === undefined || firstSeen === undefined || lastSeen === undefined) return;
  const record = table.assign(device, address, firstSeen);
  record.lastSeen = lastSeen;
  if (record.nature !== "mac-derived" && isNature(entry["nature"]) && isEvidence(entry["evidence"])) {
    [record.nature, record.evidence] = [entry["nature"], entry["evidence"]];
  }
}

const NATURES: readonly AddressRecord["nature"][] = ["stable", "temporary"];
const EVIDENCES: readonly NonNullable<AddressRecord["evidence"]>[] = ["lease", "same-identifier", "alone", "returned", "old", "late"];

const isNature = (value: Json | undefined): value is AddressRecord["nature"] => (NATURES as readonly unknown[]).includes(value);
const isEvidence = (value: Json | undefined): value is NonNullable<AddressRecord["evidence"]> =>
  (EVIDENCES as readonly unknown[]).includes(value);

function shifted(value: Json | undefined, shift: Duration): Instant | undefined {
  return typeof value === "number" && Number.isFinite(value) ? after(instant(value), shift) : undefined;
}

function isFields(value: Json | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
