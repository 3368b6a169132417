/** What each device is called: the owner's word first, then what DHCP and multicast DNS say, cleaned; who comes first keeps a name that two want. */
import type { Mac } from "../addr/mac.ts";
import { NAME_SOURCES, type NameSource } from "./device.ts";
import type { DeviceRecord, DeviceTable } from "./device-table.ts";
import type { NamedDevice } from "./devices-input.ts";
import { numberedLabel, parseLabel } from "./local-names.ts";

/** After so many of the same name a device remains without. */
const MOST_OF_A_NAME = 99;

export class DeviceNames {
  readonly #table: DeviceTable;
  readonly #config: ReadonlyMap<Mac, string>;
  /** Names that nobody can claim, and those that only the DHCPv4 server gives, which knows by more than a MAC address whose they are. */
  readonly #taken: readonly string[];
  readonly #reserved: readonly string[];
  readonly #holders = new Map<string, DeviceRecord>();

  constructor(table: DeviceTable, named: readonly NamedDevice[], ownNames: readonly string[]) {
    this.#table = table;
    this.#config = new Map(named.flatMap(({ name, mac }) => (mac === undefined ? [] : [[mac, name]])));
    this.#taken = [...ownNames, ...this.#config.values()];
    this.#reserved = named.map(({ name }) => name);
  }

  /** The device of this name. */
  find(label: string): DeviceRecord | undefined {
    const holder = this.#holders.get(label);
    return holder && holder.name === label && this.#table.find(holder.mac) === holder ? holder : undefined;
  }

  /** Somebody says what the device is called. True when that changes its name. */
  claim(device: DeviceRecord, source: NameSource, said: string): boolean {
    const label = parseLabel(said);
    if (label === undefined || device.claims[source] === label) return false;
    device.claims[source] = label;
    return this.settle(device);
  }

  /** Gives the device the best name that is free. True when it is another one than before. */
  settle(device: DeviceRecord): boolean {
    const owners = this.#config.get(device.mac);
    if (owners !== undefined) device.claims.config = owners;
    else delete device.claims.config;
    const before = device.name;
    const source = NAME_SOURCES.find((each) => this.#allows(each, device.claims[each]));
    const wanted = source && device.claims[source];
    if (before !== undefined && source === device.nameFrom && isNumbered(before, wanted)) return false;
    if (before !== undefined && this.#holders.get(before) === device) this.#holders.delete(before);
    device.name = wanted === undefined ? undefined : this.#free(wanted, device);
    device.nameFrom = device.name === undefined ? undefined : source;
    if (device.name !== undefined) this.#holders.set(device.name, device);
    return device.name !== before;
  }

  #allows(source: NameSource, label: string | undefined): boolean {
    if (label === undefined || source === "config") return label !== undefined;
    return !this.#taken.includes(label) && (source === "dhcpv4" || !this.#reserved.includes(label));
  }

  /** Whoever is away gives its name to the one that is there: a phone that takes another MAC address is still called as before. */
  #free(wanted: string, device: DeviceRecord): string | undefined {
    for (let number = 1; number <= MOST_OF_A_NAME; number++) {
      const label = number === 1 ? wanted : numberedLabel(wanted, number);
      const holder = this.find(label);
      if (!holder || holder === device) return label;
      if (!holder.present && device.present && holder.nameFrom !== "config") {
        [holder.name, holder.nameFrom] = [undefined, undefined];
        return label;
      }
    }
    return undefined;
  }
}

/** Whether `name` is `wanted`, or stands for it with a number. */
function isNumbered(name: string, wanted: string | undefined): boolean {
  if (wanted === undefined) return false;
  return name === wanted || /^-\d+$/.test(name.startsWith(wanted) ? name.slice(wanted.length) : "");
}
