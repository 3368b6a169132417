/**
 * Who has which address (RFC 2131 4.2): one address a device, one device an address. What has ended is remembered until the address is needed, so that a
 * device that comes back gets it again. There are never more bindings than addresses.
 */
import type { Ip4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { Instant } from "../addr/time.ts";
import { Dhcpv4Pool } from "./dhcpv4-pool.ts";
import type { Dhcpv4Binding, Dhcpv4Serving, Reservation } from "./dhcpv4-server-options.ts";

/** A binding, or an offer that holds the address for a while. */
export interface Held extends Dhcpv4Binding {
  readonly leased: boolean;
}

export interface Who {
  readonly mac: Mac;
  readonly clientId?: string | undefined;
}

/** Who a device is: its client identifier if it sends one, else its hardware address (RFC 2131 4.2, RFC 6842). */
export const deviceOf = ({ clientId, mac }: Who): string => clientId ?? mac;

export class Dhcpv4Bindings {
  readonly #byDevice = new Map<string, Held>();
  readonly #byAddress = new Map<Ip4, Held>();
  /** Addresses that somebody uses who has not got them from us, with the time until which they are left alone. */
  readonly #aside = new Map<Ip4, Instant>();
  readonly #reservedByMac = new Map<string, Reservation>();
  readonly #reservedByClientId = new Map<string, Reservation>();
  readonly #reservedAddresses = new Map<Ip4, Reservation>();
  #pool: Dhcpv4Pool;

  constructor(serving: Dhcpv4Serving, saved: Iterable<Dhcpv4Binding>) {
    this.#pool = this.#prepare(serving);
    for (const binding of saved) {
      const mine = this.reservationOf(binding)?.address === binding.address;
      if (mine || this.#pool.has(binding.address)) this.put({ ...binding, leased: true });
    }
  }

  /** The same bindings under other rules; what no longer fits is forgotten. */
  serve(serving: Dhcpv4Serving): Dhcpv4Bindings {
    const next = new Dhcpv4Bindings(serving, this.leases());
    for (const [address, until] of this.#aside) next.setAside(address, until);
    return next;
  }

  get poolSize(): number {
    return this.#pool.size;
  }

  /** What was leased, also what has ended; not the mere offers. */
  *leases(): Iterable<Dhcpv4Binding> {
    for (const { leased, ...binding } of this.#byAddress.values()) if (leased) yield binding;
  }

  of(device: string): Held | undefined {
    return this.#byDevice.get(device);
  }

  at(address: Ip4): Held | undefined {
    return this.#byAddress.get(address);
  }

  reservationOf({ clientId, mac }: Who): Reservation | undefined {
    return (clientId === undefined ? undefined : this.#reservedByClientId.get(clientId)) ?? this.#reservedByMac.get(mac);
  }

  /** Whether the device may have this address now. */
  mayHave(who: Who, address: Ip4, now: Instant): boolean {
    const holder = this.#byAddress.get(address);
    if (holder && holder.until > now && deviceOf(holder) !== deviceOf(who)) return false;
    if (this.#isAside(address, now)) return false;
    const own = this.reservationOf(who)?.address;
    if (own !== undefined && !this.#isAside(own, now)) return own === address;
    return this.#pool.has(address);
  }

  /** The reserved address; the one that the device has or had; the one that it wants; the one of its own place in the pool (RFC 2131 4.3.1). */
  choose(who: Who, wanted: Ip4 | undefined, now: Instant): Ip4 | undefined {
    const device = deviceOf(who);
    const candidates = [this.reservationOf(who)?.address, this.#byDevice.get(device)?.address, wanted];
    const known = candidates.find((address) => address !== undefined && this.mayHave(who, address, now));
    return known ?? this.#pool.find(device, now);
  }

  put(held: Held): void {
    const before = this.#byDevice.get(deviceOf(held));
    if (before && before.address !== held.address) this.forget(before);
    const former = this.#byAddress.get(held.address);
    if (former && former !== before) this.#byDevice.delete(deviceOf(former));
    this.#byDevice.set(deviceOf(held), held);
    this.#byAddress.set(held.address, held);
    this.#pool.hold(held.address, held.until, held.leased);
  }

  forget(held: Dhcpv4Binding): void {
    this.#byDevice.delete(deviceOf(held));
    this.#byAddress.delete(held.address);
    this.#pool.free(held.address);
  }

  /** Somebody else uses the address: nobody gets it before `until`. Only addresses that we give come here, so there are never more than of those. */
  setAside(address: Ip4, until: Instant): void {
    const held = this.#byAddress.get(address);
    if (held) this.forget(held);
    this.#aside.set(address, until);
    this.#pool.hold(address, until, false);
  }

  #isAside(address: Ip4, now: Instant): boolean {
    return (this.#aside.get(address) ?? now) > now;
  }

  #prepare({ router, pool, reservations }: Dhcpv4Serving): Dhcpv4Pool {
    for (const reservation of reservations) {
      if (reservation.mac) this.#reservedByMac.set(reservation.mac, reservation);
      if (reservation.clientId !== undefined) this.#reservedByClientId.set(reservation.clientId, reservation);
      if (reservation.address) this.#reservedAddresses.set(reservation.address, reservation);
    }
    return new Dhcpv4Pool(pool, [router, ...this.#reservedAddresses.keys()]);
  }
}
