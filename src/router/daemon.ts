/** The running router: the loop on a real Linux, with its sockets, its timer, its interface for the other commands, and its orderly end. */
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { milliseconds } from "../addr/time.ts";
import { SOCKET_NAME } from "../api/client.ts";
import type { DnsStatus } from "../api/dns-status.ts";
import type { Service } from "../api/server.ts";
import type { Leases, PrefixPeriod, Problem, Status } from "../api/status.ts";
import type { DevicesStatus } from "../api/devices.ts";
import type { Config } from "../config/config.ts";
import { StoreError } from "../io/store.ts";
import { systemRandom } from "../io/system-random.ts";
import { version } from "../io/version.ts";
import { apply } from "../kernel/apply.ts";
import type { DnsPlan } from "../plan/dns.ts";
import type { LinkFact } from "../plan/kernel-state.ts";
import { BootTimer } from "../kernel/boot-timer.ts";
import { createLocalDns } from "../machines/dns-local-zone.ts";
import type { DeviceLease } from "../machines/devices.ts";
import type { Dhcpv4Record } from "../machines/dhcpv4-server.ts";
import { bootNow } from "../kernel/clock.ts";
import { KernelEvents } from "../kernel/events.ts";
import { observe } from "../kernel/observe.ts";
import { notifySystemd } from "../kernel/sd-notify.ts";
import { Dhcpv4Services } from "./dhcpv4-services.ts";
import { DnsService } from "./dns-service.ts";
import { Journal } from "./journal.ts";
import { LinkSockets } from "./link-sockets.ts";
import { type Directories, openStores, type Stores } from "./linux-store.ts";
import { Loop } from "./loop.ts";
import { FORMER_RESOLVER, OwnResolver } from "./own-resolver.ts";
import type { Past } from "./past.ts";
import { foreignRuleProblems, newProblems } from "./problems.ts";
import { continueHistory, historyFromJson, historyToJson } from "./prefix-history.ts";
import { checkAlone, checkDhcpv4Rivals, checkInterfaces, checkRivals, rivalProblems } from "./start-checks.ts";
import { describe } from "./status.ts";
import { describeLeasesIpv6 } from "./status-leases.ts";
import { describeDevices } from "./status-devices.ts";
import type { Event, World } from "./world.ts";

export interface DaemonOptions extends Directories {
  readonly config: Config;
  readonly print: (line: string) => void;
}

/** Longest time that `down` waits for the last words: three advertisements 3 s apart, or four Releases (RFC 8415 18.2.7). */
const LAST_WORDS = 16_000;
const HISTORY = "prefix-history";

/**
 * Runs until SIGTERM, SIGINT or `skylan down`. @throws what keeps it from starting: Conflict, StoreError, KernelError; the kernel is then as it was.
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  checkDhcpv4Rivals(options.config);
  const daemon = await prepare(options);
  daemon.start();
  // The network does not wait for the interface to people.
  const { createApp, serveUnix } = await import("../api/server.ts");
  const server = await serveUnix(createApp(daemon), join(options.runDir, SOCKET_NAME));
  options.print(
    `skylan ${version} is up: WAN ${options.config.wan.interface}, LAN ${options.config.lans.map((lan) => lan.interface).join(", ")}`,
  );
  notifySystemd("READY=1");
  const stop = () => daemon.stop();
  process.once("SIGTERM", stop).once("SIGINT", stop);
  await daemon.ended;
  server.close();
  server.closeAllConnections();
}

/** `skylan down` where no daemon runs: says the last words from what the state directory knows, and puts the kernel back. */
export async function leaveWithoutDaemon(options: DaemonOptions, leaving: { readonly release: boolean }): Promise<void> {
  const daemon = await prepare(options);
  await daemon.down(leaving);
}

async function prepare(options: DaemonOptions): Promise<Daemon> {
  await checkAlone(options.runDir);
  checkRivals();
  checkInterfaces(options.config);
  return new Daemon(options, openStores(options));
}

function deviceLease(link: string, { address, mac, name, forgotten }: Dhcpv4Record): DeviceLease {
  return { address, mac, link, ...(name !== undefined && { hostname: name }), ...(forgotten && { ended: true }) };
}

/** `bench ra` takes the random delay of RFC 4861 6.2.6 out of what it measures. */
function measuredDelay(text: string | undefined): Pick<World, "maxRaDelay"> {
  return text === undefined ? {} : { maxRaDelay: milliseconds(Number(text)) };
}

class Daemon implements Service {
  readonly ended: Promise<void>;
  readonly #end: () => void;
  readonly #config: Config;
  readonly #stores: Stores;
  readonly #journal: Journal;
  readonly #past: Past;
  readonly #loop: Loop;
  readonly #sockets: LinkSockets;
  readonly #dhcpv4: Dhcpv4Services;
  readonly #timer: BootTimer;
  readonly #events: KernelEvents;
  /** Absent where names are not resolved here. */
  readonly #dns: DnsService | undefined;
  readonly #ownResolver: OwnResolver;
  readonly #startedAt = bootNow();
  #history: readonly PrefixPeriod[];
  /** Nobody is served any more. */
  #leaving = false;
  #notices: readonly Problem[] = [];

  constructor({ config, print }: DaemonOptions, stores: Stores) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    this.#config = config;
    this.#stores = stores;
    this.#journal = new Journal({ journald: process.env["JOURNAL_STREAM"] !== undefined, print });
    this.#past = stores.recall(config, this.#journal);
    this.#history = historyFromJson(stores.load(HISTORY, this.#journal) ?? []);
    this.#sockets = new LinkSockets(config, (events) => this.handle(...events));
    this.#dhcpv4 = new Dhcpv4Services(config, stores, {
      note: (note) => this.#journal.record("dhcpv4-server", note),
      leased: (link, records) =>
        this.handle({ kind: "leases", source: "dhcpv4", leases: records.map((record) => deviceLease(link, record)) }),
    });
    this.#loop = new Loop(config, this.#world(), this.#past);
    this.#timer = new BootTimer(
      () => this.handle({ kind: "tick" }),
      () => this.handle({ kind: "resume" }),
    );
    this.#events = new KernelEvents(
      () => this.handle({ kind: "kernel" }),
      (neighbors) => this.handle({ kind: "neighbors", neighbors }),
    );
    this.#dns = config.dns.enabled ? this.#makeDns() : undefined;
    this.#ownResolver = this.#makeOwnResolver();
  }

  start(): void {
    // The first turn speaks already.
    this.#sockets.follow(observe({ interfaces: [], sysctls: [] }).links);
    if (!this.#dns) this.#ownResolver.leave();
    this.handle({ kind: "kernel" });
    this.#events.tellNeighbors();
    for (const { name, text, remedy } of foreignRuleProblems(this.#config)) {
      this.#journal.record("firewall", { kind: "note", level: "warning", event: name, text: `${text}. Remedy: ${remedy}` });
    }
  }

  handle(...events: readonly Event[]): void {
    const { revision } = this.#loop.devices;
    const changed = this.#loop.handle(...events);
    this.#timer.wakeAt(this.#loop.wakeAt());
    if (this.#loop.devices.revision !== revision) this.#dns?.namesChanged();
    if (!changed) return;
    const { facts, desired } = this.#loop.view();
    this.#sockets.follow(facts.links);
    if (!this.#leaving) this.#dhcpv4.follow(this.#loop.view());
    if (desired?.dns) this.#followDns(desired.dns, facts.links);
    this.#keepHistory();
    this.#logNotices();
  }

  /** Ends the process as an upgrade would: what the kernel has, it keeps. */
  stop(): void {
    this.#events.close();
    this.#timer.close();
    this.#sockets.close();
    this.#dhcpv4.close();
    this.#dns?.close();
    this.#end();
  }

  status(): Status {
    const now = bootNow();
    const described = describe(this.#config, this.#past.identity, this.#loop.view(), now);
    return {
      version,
      at: new Date().toISOString(),
      uptime: Math.floor((now - this.#startedAt) / 1000),
      ...described,
      lans: this.#dhcpv4.describe(described.lans),
      devices: { present: this.#loop.devices.present, known: this.#loop.devices.known },
      prefixHistory: this.#history,
      problems: [
        ...(this.#loop.view().desired?.notices ?? []),
        ...this.#dhcpv4.problems,
        ...rivalProblems(),
        ...foreignRuleProblems(this.#config),
      ],
      events: this.#journal.records,
    };
  }

  leases(): Leases {
    return { ipv4: this.#dhcpv4.leases(), ipv6: this.#leasesIpv6() };
  }

  flushLeases(what: string): Leases {
    const ipv6 = this.#leasesIpv6().filter(({ value, hostname }) => value === what || hostname === what);
    for (const { value } of ipv6) this.handle({ kind: "forget-lease", value });
    return { ipv4: this.#dhcpv4.flush(what), ipv6 };
  }

  #leasesIpv6(): Leases["ipv6"] {
    return describeLeasesIpv6(this.#config, this.#loop.view().facts.dhcpv6Server, bootNow());
  }

  devices(): DevicesStatus {
    const { devices } = this.#loop;
    return { at: new Date().toISOString(), devices: describeDevices(this.#config, devices.list(), bootNow(), Date.now()) };
  }

  dns(): DnsStatus | undefined {
    return this.#dns?.status();
  }

  flushDns(): void {
    this.#dns?.flush();
  }

  refresh(): void {
    this.handle({ kind: "refresh" });
  }

  async down({ release }: { readonly release: boolean }): Promise<void> {
    this.#leaving = true;
    this.#dhcpv4.close();
    this.handle({ kind: "leave" });
    await this.#untilQuiet();
    if (release) this.handle({ kind: "release" });
    await this.#untilQuiet();
    this.#loop.tearDown();
    this.#ownResolver.leave();
    this.#stores.forget(["former", "ra-client", ...this.#config.lans.map((lan) => `ra-server-${lan.interface}`)]);
    if (release) this.#stores.forget(["dhcpv6-client", "dhcpv4-client"]);
    setImmediate(() => this.stop());
  }

  async #untilQuiet(): Promise<void> {
    const deadline = bootNow() + LAST_WORDS;
    while (!this.#loop.isQuiet() && bootNow() < deadline) await sleep(50);
  }

  #world(): World {
    return {
      now: bootNow,
      random: systemRandom,
      hostName: hostname(),
      ...measuredDelay(process.env["SKYLAN_MAX_RA_DELAY_MS"]),
      observe,
      apply,
      send: (messages) => this.#sockets.send(messages),
      save: (name, snapshot, durability) => this.#save(() => this.#stores.save(name, snapshot, durability)),
      note: (source, note) => this.#journal.record(source, note),
    };
  }

  #makeDns(): DnsService {
    const { zone, forwardedZones } = this.#config.dns;
    return new DnsService({
      config: this.#config.dns,
      random: systemRandom,
      local: createLocalDns({ zone, forwardedZones, names: this.#loop.devices.names }),
      note: (note) => this.#journal.record("dns", note),
    });
  }

  #makeOwnResolver(): OwnResolver {
    return new OwnResolver({
      zone: this.#config.dns.zone,
      saved: this.#stores.load(FORMER_RESOLVER, this.#journal),
      save: (record) => this.#stores.save(FORMER_RESOLVER, record, "disk"),
      forget: () => this.#stores.forget([FORMER_RESOLVER]),
      note: (note) => this.#journal.record("dns", note),
    });
  }

  /** Nobody is told of a resolver that does not listen, nor are our own programs. */
  #followDns(plan: DnsPlan, links: readonly LinkFact[]): void {
    if (this.#leaving) return;
    this.#dns?.follow(plan, links);
    if (this.#dns?.servesThisBox) this.#ownResolver.take();
  }

  /** A full disk must not cut the home off: the router goes on with what it has and says so. */
  #save(save: () => void): void {
    try {
      save();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#journal.record("state", { kind: "note", level: "error", event: "state.unsaved", text: error.message });
    }
  }

  #keepHistory(): void {
    const held = (this.#loop.view().facts.dhcpv6?.delegated ?? []).map((delegated) => delegated.prefix);
    const history = continueHistory(this.#history, held, new Date().toISOString());
    if (history === this.#history) return;
    this.#history = history;
    this.#save(() => this.#stores.save(HISTORY, historyToJson(history), "disk"));
  }

  #logNotices(): void {
    const notices = this.#loop.view().desired?.notices ?? [];
    for (const note of newProblems(this.#notices, notices)) this.#journal.record("plan", note);
    this.#notices = notices;
  }
}
