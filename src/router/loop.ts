/**
 * The program in one page. An event reaches the machines; their facts make a plan; the plan is compared with the kernel; the difference is
 * applied; what must survive is saved; packets go out. Everything happens within one synchronous turn, so that a new prefix moves LAN addresses,
 * routes, firewall and router advertisements together.
 */
import { ALL_ROUTERS } from "../addr/ip.ts";
import { after, earliest, type Instant, instant, seconds } from "../addr/time.ts";
import type { Config } from "../config/config.ts";
import type { Change } from "../diff/change.ts";
import { diff } from "../diff/diff.ts";
import type { Devices } from "../machines/devices.ts";
import { KernelError, LOAD_RULESET } from "../kernel/kernel-error.ts";
import type { Note } from "../machines/machine.ts";
import type { Facts } from "../plan/facts.ts";
import type { KernelState, LinkFact, Observed } from "../plan/kernel-state.ts";
import { translates } from "../plan/firewall-nat.ts";
import { type Desired, plan } from "../plan/plan.ts";
import type { SubnetMemory } from "../plan/subnets.ts";
import { sysctlPaths } from "../plan/sysctls.ts";
import { encodeNdp } from "../wire/ndp.ts";
import { abandoned, carriedAlong, type Former, formerToJson, recordFormer, withoutSwitches } from "./former.ts";
import { homeLans } from "./home-devices.ts";
import { Machines } from "./machines.ts";
import type { Past } from "./past.ts";
import type { Desk, Savable } from "./seat.ts";
import { obedientLinks, teardown } from "./teardown.ts";
import type { Event, Outgoing, World } from "./world.ts";

/** The kernel is looked at this often even when it reports nothing: a changed sysctl makes no event. */
const LOOK_INTERVAL = seconds(10);
const RETRY_INTERVAL = seconds(1);
const TRANSLATION_RETRY = seconds(60);
/**
 * The first words to a LAN wait this long for a prefix and a way out. Multicast advertisements are at least 3 s apart (RFC 4861 6.2.6): one that offers
 * less, a moment before the prefix or the provider's router is there, would only hold back the one that matters.
 */
const PATIENT_START = seconds(5);
/** A fact may change the plan, which may change a fact (a prefix being withdrawn keeps its route); it ends after two rounds. */
const MOST_ROUNDS = 5;
const SOLICITATION = encodeNdp({ kind: "router-solicitation", options: [] });

export class Loop implements Desk {
  readonly outbox: Outgoing[] = [];
  readonly unsaved = new Set<Savable>();
  changed = true;

  readonly #config: Config;
  readonly #world: World;
  readonly #past: Past;
  readonly #machines: Machines;
  #former: Former;
  /** Switches that go back to their former values, because the config no longer wants them ours. */
  #abandoned: KernelState["sysctls"];
  /** Until then the plan makes do without the translation of IPv4, which the kernel has refused. */
  #untranslatedUntil: Instant = instant(0);
  #observed: Observed | undefined;
  #desired: Desired | undefined;
  /** The last words are being said: nothing is planned any more. */
  #leaving = false;
  #inTurn = false;
  #links: readonly LinkFact[] = [];
  readonly #startedAt: Instant;
  #lookAt: Instant = instant(0);
  /** There was a look at the kernel whose difference to the plan has not been seen to yet. */
  #looked = false;
  #subnets: SubnetMemory;
  /** Last advertisement given to each LAN's server, as text. */
  readonly #advertised = new Map<string, string>();
  /** Last service given to the DHCPv6 server, as text. */
  #served = "";

  constructor(config: Config, world: World, past: Past) {
    this.#config = config;
    this.#world = world;
    this.#past = past;
    this.#startedAt = world.now();
    this.#former = past.former;
    this.#abandoned = abandoned(past.former, config);
    this.#subnets = past.subnets;
    this.#machines = new Machines(config, world, past, this);
  }

  /** One turn, for what has happened at the same time. Returns whether anything but packets has come of it. */
  handle(...events: readonly Event[]): boolean {
    // Half a turn is no state to decide from: with the links not yet seen, all sockets would be closed.
    if (this.#inTurn) throw new Error("an event came in the middle of a turn; it has to wait for its end");
    this.#inTurn = true;
    try {
      return this.#turn(events);
    } finally {
      this.#inTurn = false;
    }
  }

  #turn(events: readonly Event[]): boolean {
    const now = this.#world.now();
    for (const event of events) {
      this.#leaving ||= event.kind === "leave";
      if (!isHeard(event) && (event.kind !== "tick" || now >= this.#lookAt)) this.#look(now);
      this.#machines.deliver(event, now);
    }
    const busy = this.changed || this.#looked;
    if (busy && !this.#leaving) this.#settle(now);
    this.#save();
    this.#flush();
    return busy;
  }

  /** When the next `tick` is wanted. */
  wakeAt(): Instant {
    return earliest(this.#lookAt, this.#machines.wakeAt()) ?? this.#lookAt;
  }

  /** What the loop knows, for the status. */
  view(): { readonly facts: Facts; readonly desired: Desired | undefined; readonly observed: Observed | undefined } {
    return { facts: this.#facts(), desired: this.#desired, observed: this.#observed };
  }

  /** Who is at home. */
  get devices(): Devices {
    return this.#machines.devices.table;
  }

  /** Whether nothing is left to be said on the wire: after `leave` the last advertisements, after `release` its answer. */
  isQuiet(): boolean {
    return this.#machines.areQuiet();
  }

  /**
   * Puts the kernel back as it was before skylan came, and asks the routers on behalf of a kernel that obeys them again: forwarding has cost it the
   * routes that it had made by itself, and it would not ask before the link goes down and up. The loop must not be used afterwards.
   */
  tearDown(): void {
    const now = this.#world.now();
    // What the general switches carried along comes back after them.
    for (let round = 0; round < 2; round++) this.#world.apply(teardown(this.#former, this.#observe(), now));
    this.#world.send(obedientLinks(this.#former).map((link) => ({ link, protocol: "ndp", to: ALL_ROUTERS, bytes: SOLICITATION })));
  }

  note(source: string, note: Note): void {
    this.#world.note(source, note);
  }

  #look(now: Instant): void {
    this.#observed = this.#observe();
    this.#machines.seeLinks(this.#links, this.#observed.links, now);
    this.#machines.seeReady(this.#observed, now);
    const mayTranslate = this.#untranslatedUntil !== 0 && now >= this.#untranslatedUntil;
    this.changed ||= mayTranslate || JSON.stringify(this.#links) !== JSON.stringify(this.#observed.links);
    this.#links = this.#observed.links;
    this.#lookAt = after(now, LOOK_INTERVAL);
    this.#looked = true;
  }

  #settle(now: Instant): void {
    for (let round = 0; (this.changed || this.#looked) && round < MOST_ROUNDS; round++) {
      const desired = this.changed || !this.#desired ? plan(this.#config, this.#facts(), now) : this.#desired;
      this.changed = false;
      this.#looked = false;
      this.#desired = desired;
      this.#machines.devices.follow(homeLans(this.#config, desired, this.#links), now);
      this.#remember(desired);
      this.#save();
      // What the kernel does not carry out is not promised to the LANs either.
      if (this.#reach(desired, now)) this.#advertise(desired, now);
    }
  }

  /** Makes the kernel what is desired; false when it refuses. */
  #reach(desired: Desired, now: Instant): boolean {
    const observed = this.#observed ?? this.#observe();
    const changes = diff({ ...desired.kernel, sysctls: { ...this.#abandoned, ...desired.kernel.sysctls } }, observed, now);
    if (changes.length === 0) {
      this.#abandon();
      return true;
    }
    this.#record(recordFormer(this.#former, changes, this.#carriedAlong(changes, observed)));
    this.#observed = undefined;
    try {
      this.#world.apply(changes);
      return true;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (isAboutRules(error) && this.#doWithoutTranslation(changes, now)) return false;
      this.note("kernel", { kind: "note", level: "error", event: "kernel.refused", text: error.message });
      this.#lookAt = after(now, RETRY_INTERVAL);
      return false;
    }
  }

  /** They are as they were: from now on others may turn them. */
  #abandon(): void {
    if (Object.keys(this.#abandoned).length === 0) return;
    this.#record(withoutSwitches(this.#former, this.#abandoned));
    this.#abandoned = {};
  }

  #record(former: Former): void {
    if (former !== this.#former) this.#world.save("former", formerToJson(former), "disk");
    this.#former = former;
  }

  /** A kernel that can't translate IPv4 refuses all rules together: IPv6 shall have its own all the same. Whether that was the cause shows the next try. */
  #doWithoutTranslation(changes: readonly Change[], now: Instant): boolean {
    const isTry = now >= this.#untranslatedUntil && changes.some((change) => change.kind === "ruleset" && translates(change.to));
    this.#untranslatedUntil = isTry ? after(now, TRANSLATION_RETRY) : instant(0);
    this.changed ||= isTry;
    return isTry;
  }

  /** The switches that these changes turn without naming them, with their values now. */
  #carriedAlong(changes: readonly Change[], { links }: Observed): KernelState["sysctls"] {
    const paths = carriedAlong(changes, links);
    if (paths.length === 0) return {};
    const { sysctls } = this.#observe(paths);
    return Object.fromEntries(paths.flatMap((path) => (sysctls[path] === undefined ? [] : [[path, sysctls[path]]])));
  }

  #advertise(desired: Desired, now: Instant): void {
    const patientUntil = after(this.#startedAt, PATIENT_START);
    const isWhole = Object.values(desired.advertisements).some(({ defaultRouter }) => defaultRouter);
    if (!isWhole && this.#advertised.size === 0 && now < patientUntil) {
      if (this.#lookAt > patientUntil) this.#lookAt = patientUntil;
      return;
    }
    for (const [link, advertisement] of Object.entries(desired.advertisements)) {
      const text = JSON.stringify(advertisement);
      if (this.#advertised.get(link) === text) continue;
      this.#advertised.set(link, text);
      this.#machines.advertise(link, advertisement, now);
    }
    this.#serve(desired, now);
  }

  /** Who asks on a LAN hears of the same things, after the advertisements. */
  #serve({ dhcpv6Service }: Desired, now: Instant): void {
    const text = JSON.stringify(dhcpv6Service);
    if (text === this.#served) return;
    this.#served = text;
    this.#machines.serve(dhcpv6Service, now);
  }

  #remember(desired: Desired): void {
    if (JSON.stringify(desired.subnets) === JSON.stringify(this.#subnets)) return;
    this.#subnets = desired.subnets;
    this.#world.save("subnets", desired.subnets, "disk");
  }

  #save(): void {
    for (const { place, machine } of this.unsaved) this.#world.save(place.name, machine.snapshot(), place.durability);
    this.unsaved.clear();
  }

  #flush(): void {
    if (this.outbox.length === 0) return;
    const sent = this.outbox.splice(0);
    this.#world.send(sent);
    this.#machines.haveLeft(sent, this.#world.now());
  }

  /** Duplicates and lost neighbours are reported by one look only: whoever looks passes them on. */
  #observe(more: readonly string[] = []): Observed {
    const interfaces = [this.#config.wan.interface, ...this.#config.lans.map((lan) => lan.interface)];
    const sysctls = new Set([...sysctlPaths(this.#config), ...Object.keys(this.#former.sysctls), ...more]);
    const observed = this.#world.observe({ interfaces, sysctls: [...sysctls] });
    // A turn may have begun long before this look: the pause before the next try counts from when the refusal is known.
    const seen = this.#world.now();
    this.#machines.seeDuplicates(observed.duplicates, seen);
    this.#machines.seeUnreachable(observed.unreachable, seen);
    return observed;
  }

  #facts(): Facts {
    const { identity } = this.#past;
    const isUntranslated = this.#world.now() < this.#untranslatedUntil;
    return {
      ...this.#machines.facts(),
      isUntranslated,
      links: this.#links,
      subnets: this.#subnets,
      ula: identity.ula,
      secret: identity.secret,
    };
  }
}

const isAboutRules = (error: Error): boolean => error instanceof KernelError && error.change === LOAD_RULESET;

/** What a link brings tells nothing about the kernel. */
function isHeard({ kind }: Event): boolean {
  return kind === "packet" || kind === "frame" || kind === "neighbors" || kind === "overheard" || kind === "leases";
}
