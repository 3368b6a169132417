/** The DHCPv4 servers of all LANs. */
import type { Leases, LeaseStatus, LanStatus, Problem } from "../api/status.ts";
import type { Config, LanConfig } from "../config/config.ts";
import type { Dhcpv4Binding } from "../machines/dhcpv4-server.ts";
import type { Note } from "../machines/machine.ts";
import { Dhcpv4Service, type Dhcpv4ServiceOptions } from "./dhcpv4-service.ts";
import { left } from "./left.ts";
import type { Stores } from "./linux-store.ts";
import type { Loop } from "./loop.ts";
import { newProblems } from "./problems.ts";

export class Dhcpv4Services {
  readonly #lans: readonly LanConfig[];
  readonly #stores: Pick<Stores, "clocks" | "pathOf">;
  readonly #note: (note: Note) => void;
  readonly #leased: Dhcpv4ServiceOptions["leased"];
  /** By LAN interface; made when there is something to serve. */
  readonly #services = new Map<string, Dhcpv4Service>();
  #problems: readonly Problem[] = [];

  constructor(
    { lans }: Config,
    stores: Pick<Stores, "clocks" | "pathOf">,
    { note, leased }: Pick<Dhcpv4ServiceOptions, "note" | "leased">,
  ) {
    this.#lans = lans;
    this.#stores = stores;
    this.#note = note;
    this.#leased = leased;
  }

  /** Serves what the loop has planned, on the links as they are. @throws KernelError */
  follow({ facts, desired }: ReturnType<Loop["view"]>): void {
    for (const [name, serving] of Object.entries(desired?.dhcpv4 ?? {})) {
      const link = facts.links.find((candidate) => candidate.name === name);
      this.#serviceOf(name).follow(link, serving);
    }
    const problems = [...this.#services.values()].flatMap((service) => service.problems);
    for (const note of newProblems(this.#problems, problems)) this.#note(note);
    this.#problems = problems;
  }

  /** What keeps a LAN from being served. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** The LANs of a status with the number of their leases. */
  describe(lans: readonly LanStatus[]): readonly LanStatus[] {
    return lans.map((lan) => {
      const service = this.#services.get(lan.interface);
      return service ? { ...lan, dhcpv4: { leases: service.leases().length, addresses: service.poolSize } } : lan;
    });
  }

  /** All leases that run, by LAN and address. */
  leases(): Leases["ipv4"] {
    return this.#each((service, lan) => service.leases().map((binding) => this.#status(lan, binding)));
  }

  /** Forgets the leases of an address or a name, and tells which they were. */
  flush(what: string): Leases["ipv4"] {
    return this.#each((service, lan) => service.flush(what).map((binding) => this.#status(lan, binding)));
  }

  close(): void {
    for (const service of this.#services.values()) service.close();
  }

  #each<T>(pick: (service: Dhcpv4Service, lan: string) => readonly T[]): readonly T[] {
    return this.#lans.flatMap(({ name, interface: link }) => {
      const service = this.#services.get(link);
      return service ? pick(service, name) : [];
    });
  }

  #status(lan: string, { address, mac, clientId, name, until }: Dhcpv4Binding): LeaseStatus {
    const now = this.#stores.clocks.now();
    return { lan, address, mac, ...(clientId !== undefined && { clientId }), ...(name !== undefined && { name }), left: left(now, until) };
  }

  #serviceOf(link: string): Dhcpv4Service {
    const known = this.#services.get(link);
    if (known) return known;
    const path = this.#stores.pathOf(`dhcpv4-leases-${link}.journal`);
    const service = new Dhcpv4Service({ link, path, clocks: this.#stores.clocks, note: this.#note, leased: this.#leased });
    this.#services.set(link, service);
    return service;
  }
}
