/**
 * Who is at home: joins by MAC address what the kernel's neighbour table, duplicate address detection, ARP, multicast DNS, DHCP and the config tell of the
 * devices on the LANs. Whoever falls silent is asked before it is called away, and stays known.
 */
import { type Ip, isIp4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { after, between, earliest, type Instant, instant, milliseconds, seconds } from "../addr/time.ts";
import { judgeArrival, noteComing, noteProbe, setNature, SETTLING, weigh } from "./address-evidence.ts";
import type { Device } from "./device.ts";
import { type DeviceMemory, devicesToJson, restoreDevices } from "./device-memory.ts";
import { DeviceLocalNames } from "./device-local-names.ts";
import { DeviceNames } from "./device-names.ts";
import { nameQuestion, presenceQuestions } from "./device-questions.ts";
import type { DeviceLease, DevicesInput, LeaseSource, NamedDevice, NeighborNews } from "./devices-input.ts";
import { readSighting, type Sighting } from "./device-sightings.ts";
import { type AddressRecord, type DeviceRecord, DeviceTable, toDevice } from "./device-table.ts";
import { type HomeLan, isOf } from "./home-lan.ts";
import type { LocalNames } from "./local-names.ts";
import type { Json, Machine, Output } from "./machine.ts";

export type * from "./devices-input.ts";

export interface DevicesOptions {
  /** Those that the owner named. */
  readonly named: readonly NamedDevice[];
  /** Names of the router itself, which no device may have. */
  readonly ownNames: readonly string[];
}

type Announcement = Extract<Sighting, { kind: "announcement" }>;

/** The table is looked through this often. */
const LOOK_INTERVAL = seconds(30);
/** Whoever was not seen for so long is asked whether it is there. */
const IDLE = seconds(600);
/** It may sleep, or an answer get lost. One question a look. */
const PROBES = 3;
/** A look asks no more devices than these: the rest is asked by the next one. */
const PROBED_AT_ONCE = 32;
/** A device makes its address in a new prefix within some seconds, or not at all. */
const EXPECTATION = seconds(60);
/** Leases of devices that nobody has seen yet. */
const MOST_UNPLACED = 256;
/** So many are asked for their names at a look. */
const NAMES_AT_ONCE = 8;
/** New names are on disk after the first, and not oftener than the second. */
const [SAVE_DELAY, SAVE_INTERVAL] = [seconds(5), seconds(60)];
/** A flood of unknown senders must not turn the table over: so many new ones at once, and one more each tenth of a second. */
const NEWCOMERS = { most: 1000, interval: milliseconds(100) };

export class Devices implements Machine<DevicesInput, never> {
  readonly #table = new DeviceTable();
  readonly #names: DeviceNames;
  readonly #localNames: DeviceLocalNames;
  #lans: ReadonlyMap<string, HomeLan> = new Map();
  readonly #arriving = new Set<DeviceRecord>();
  #lookAt: Instant | undefined;
  #saveAt: Instant | undefined;
  #savedAt: Instant | undefined;
  /** Leases by the address from which they were asked for, while nobody is known by it. */
  readonly #unplaced = new Map<Ip, { readonly source: LeaseSource; readonly lease: DeviceLease }>();
  #revision = 0;
  #newcomers = NEWCOMERS.most;
  #newcomersAt: Instant = instant(0);

  constructor({ named, ownNames }: DevicesOptions, saved?: DeviceMemory) {
    this.#names = new DeviceNames(this.#table, named, ownNames);
    this.#localNames = new DeviceLocalNames(this.#table, this.#names, ownNames);
    if (saved) restoreDevices(this.#table, saved, (device) => this.#names.settle(device));
  }

  handle(input: DevicesInput, now: Instant): readonly Output<never>[] {
    switch (input.kind) {
      case "home":
        this.#moveTo(new Map(input.lans.map((lan) => [lan.link, lan])), now);
        break;
      case "neighbors":
        for (const news of input.neighbors) this.#hearOf(news, now);
        break;
      case "overheard":
        for (const frame of input.frames) this.#overhear(input.link, frame, now);
        break;
      case "leases":
        for (const lease of input.leases) this.#takeLease(input.source, lease, now);
        break;
      case "tick":
        break;
    }
    for (const device of this.#arriving) if (after(device.arrival!.since, SETTLING) <= now) this.#judge(device, now);
    if (this.#table.size > 0) this.#lookAt ??= after(now, LOOK_INTERVAL);
    const asked = this.#lookAt !== undefined && this.#lookAt <= now ? this.#look(now) : [];
    return [...this.#save(now), ...asked];
  }

  wakeAt(): Instant | undefined {
    const judgement = [...this.#arriving].map(({ arrival }) => after(arrival!.since, SETTLING));
    return earliest(this.#lookAt, this.#saveAt, ...judgement);
  }

  snapshot(): Json {
    return devicesToJson(this.#table);
  }

  /** All that are known, those that were seen last first. */
  list(): readonly Device[] {
    const isCurrent = (link: string) => (address: Ip) => {
      const lan = this.#lans.get(link);
      return lan !== undefined && isOf(lan, address);
    };
    return [...this.#table.all()].map((device) => toDevice(device, isCurrent(device.link))).toSorted((a, b) => b.lastSeen - a.lastSeen);
  }

  /** What they are called, with their addresses of the moment of asking. */
  get names(): LocalNames {
    return this.#localNames;
  }

  /** Another number, whenever an answer of `names` may have become another one. */
  get revision(): number {
    return this.#revision;
  }

  get known(): number {
    return this.#table.size;
  }

  /** How many are at home. */
  get present(): number {
    let count = 0;
    for (const { present } of this.#table.all()) if (present) count++;
    return count;
  }

  /** Devices whose identifier is the same in every prefix have it in a new one too: their names follow at once. */
  #moveTo(lans: ReadonlyMap<string, HomeLan>, now: Instant): void {
    const known = new Set([...this.#lans.values()].flatMap(({ prefixes }) => prefixes.map(({ prefix }) => prefix)));
    this.#lans = lans;
    this.#localNames.follow(lans);
    this.#revision++;
    for (const device of this.#table.all()) {
      const fresh = (lans.get(device.link)?.prefixes ?? []).filter(({ prefix }) => !known.has(prefix));
      if (!device.present) continue;
      for (const { prefix } of fresh) this.#table.expect(device, prefix, after(now, EXPECTATION));
    }
  }

  #hearOf({ interface: link, address, mac, state, confirmedAgo }: NeighborNews, now: Instant): void {
    if (mac === undefined || state === "failed") {
      const owner = this.#table.ownerOf(address);
      const record = owner?.addresses.get(address);
      if (!owner || !record || record.silent) return;
      record.silent = true;
      this.#touch(owner);
      return;
    }
    const known = this.#table.find(mac)?.addresses.get(address);
    if (!known) return void this.#see(link, mac, address, now);
    const seen = state === "reachable" ? now : instant(now - confirmedAgo);
    if (seen >= known.lastSeen) this.#see(link, mac, address, seen);
  }

  #overhear(link: string, frame: Uint8Array, now: Instant): void {
    const sighting = readSighting(frame);
    if (sighting) this.#take(link, sighting, now);
  }

  #take(link: string, sighting: Sighting, now: Instant): void {
    if (sighting.kind === "announcement") return this.#hearName(link, sighting, now);
    const { kind, mac, address } = sighting;
    const owner = this.#table.ownerOf(address);
    // Who has the address will defend it.
    if (kind === "probe" && owner && owner.mac !== mac && owner.present && !owner.addresses.get(address)!.silent) return;
    const seen = this.#see(link, mac, address, now);
    if (!seen || kind === "use" || isIp4(address)) return;
    this.#touch(seen.device);
    const begun = kind === "probe" ? noteProbe(seen.device, seen.record, now) : noteComing(seen.device, now);
    if (begun) this.#arriving.add(seen.device);
  }

  /** A name counts with an address of the one that says it: others (repeaters, sleep proxies) speak of what is not theirs. */
  #hearName(link: string, { mac, from, hosts }: Announcement, now: Instant): void {
    this.#see(link, mac, from, now);
    for (const { label, address } of hosts) {
      const owner = this.#table.ownerOf(address);
      if (owner && owner.mac !== mac) continue;
      const seen = this.#see(link, mac, address, now);
      if (!seen) continue;
      if (this.#names.claim(seen.device, "mdns", label)) this.#rename(now);
    }
  }

  #takeLease(source: LeaseSource, lease: DeviceLease, now: Instant): void {
    const { address, mac, client, link, hostname } = lease;
    if (lease.ended) return this.#endLease(address);
    const asking = client && this.#table.ownerOf(client);
    const device = asking ?? (client === undefined && mac !== undefined ? this.#table.obtain(mac, link, now) : undefined);
    if (!device) {
      // A DUID may have the MAC address of another card: the link tells in a moment who it is.
      if (client !== undefined && this.#unplaced.size < MOST_UNPLACED) this.#unplaced.set(client, { source, lease });
      return;
    }
    if (isIp4(address) && !device.addresses.has(address)) this.#table.releaseLeases(device);
    const record = this.#table.assign(device, address, now);
    // What a device registers (RFC 9686) it has made itself, and may be temporary.
    if (!lease.registered) setNature(record, "stable", "lease");
    if (hostname !== undefined) this.#names.claim(device, source, hostname);
    this.#names.settle(device);
    this.#rename(now);
  }

  #endLease(address: Ip): void {
    const holder = this.#table.ownerOf(address);
    if (!holder) return;
    this.#table.release(holder, address);
    this.#touch(holder);
  }

  /** Only addresses of the home count: whoever speaks from another one has none here. */
  #see(link: string, mac: Mac, address: Ip, at: Instant): { readonly device: DeviceRecord; readonly record: AddressRecord } | undefined {
    const lan = this.#lans.get(link);
    if (!lan || mac === lan.mac || !isOf(lan, address)) return undefined;
    const owner = this.#table.ownerOf(address);
    // Whose it is, DHCP says: another one that claims it is mistaken, or worse.
    if (owner && owner.mac !== mac && owner.addresses.get(address)?.evidence === "lease") return undefined;
    const known = this.#table.find(mac);
    if (!known && !this.#admits(at)) return undefined;
    const device = known ?? this.#table.obtain(mac, link, at);
    const wasShown = device.present && device.addresses.get(address)?.silent === false;
    const record = this.#table.assign(device, address, at);
    if (!wasShown || device.link !== link) this.#touch(device);
    device.link = link;
    device.lastSeen = record.lastSeen = at;
    [device.present, device.probes, record.silent, record.expectedUntil] = [true, 0, false, undefined];
    weigh(device, record, at);
    this.#placeLease(address, at);
    if (!known) {
      this.#names.settle(device);
      this.#rename(at);
    }
    return { device, record };
  }

  /** It had asked for a lease before it was known. */
  #placeLease(client: Ip, now: Instant): void {
    const waiting = this.#unplaced.size === 0 ? undefined : this.#unplaced.get(client);
    if (!waiting) return;
    this.#unplaced.delete(client);
    this.#takeLease(waiting.source, waiting.lease, now);
  }

  #admits(now: Instant): boolean {
    const gained = Math.floor((now - this.#newcomersAt) / NEWCOMERS.interval);
    if (gained > 0) [this.#newcomers, this.#newcomersAt] = [Math.min(NEWCOMERS.most, this.#newcomers + gained), now];
    if (this.#newcomers === 0) return false;
    this.#newcomers--;
    return true;
  }

  #judge(device: DeviceRecord, now: Instant): void {
    this.#arriving.delete(device);
    judgeArrival(device);
    this.#rename(now);
  }

  #look(now: Instant): readonly Output<never>[] {
    this.#lookAt = after(now, LOOK_INTERVAL);
    const asked: Output<never>[] = [];
    let left = PROBED_AT_ONCE;
    this.#table.dropUnmet(now);
    for (const device of this.#table.all()) {
      if (!device.present || between(device.lastSeen, now) < IDLE) continue;
      if (device.probes >= PROBES) {
        device.present = false;
        this.#touch(device);
      } else if (left-- > 0) {
        device.probes++;
        asked.push(...presenceQuestions(this.#lans.get(device.link), device));
      }
    }
    return [...asked, ...this.#askNames(now)];
  }

  /** Once for each that came without saying its name. */
  #askNames(now: Instant): readonly Output<never>[] {
    const questions: Output<never>[] = [];
    for (const device of this.#table.all()) {
      if (questions.length >= NAMES_AT_ONCE) break;
      if (!device.present || device.askedName || device.claims.mdns !== undefined || between(device.firstSeen, now) < SETTLING) continue;
      const lan = this.#lans.get(device.link);
      if (!lan) continue;
      device.askedName = true;
      questions.push(...nameQuestion(lan, device));
    }
    return questions;
  }

  #rename(now: Instant): void {
    this.#revision++;
    this.#mustSave(now);
  }

  #touch({ name }: DeviceRecord): void {
    if (name !== undefined) this.#revision++;
  }

  #mustSave(now: Instant): void {
    if (this.#saveAt !== undefined) return;
    const soon = after(now, SAVE_DELAY);
    this.#saveAt = this.#savedAt === undefined ? soon : instant(Math.max(soon, after(this.#savedAt, SAVE_INTERVAL)));
  }

  #save(now: Instant): readonly Output<never>[] {
    if (this.#saveAt === undefined || now < this.#saveAt) return [];
    [this.#saveAt, this.#savedAt] = [undefined, now];
    return [{ kind: "save" }];
  }
}
