/** The DHCPv6 server of two LANs in virtual time, and clients that ask it. */
import { type Duid, parseDuid } from "../addr/duid.ts";
import { ALL_DHCP_SERVERS, type Ip6, ip6 } from "../addr/ip.ts";
import { type Prefix, prefix } from "../addr/prefix.ts";
import { after, type Instant, instant, type Seconds, seconds } from "../addr/time.ts";
import {
  type ClientServerMessage,
  decodeDhcpv6,
  type Dhcpv6Kind,
  type Dhcpv6Option,
  encodeDhcpv6,
  type IaNa,
  type IaPd,
  OPTION_CODES,
  optionsOf,
} from "../wire/dhcpv6.ts";
import { createDhcpv6LanServer } from "./dhcpv6-lan-server.ts";
import type { Dhcpv6LanServerFact, Dhcpv6Service, Expiring, LanService } from "./dhcpv6-lan-service.ts";
import type { Json, Note, Output } from "./machine.ts";

export const SERVER = parseDuid("0004:11111111111111111111111111111111")!;
export const OTHER_SERVER = parseDuid("0004:22222222222222222222222222222222")!;
export const A = prefix("2605:59c8:1200::/56");
export const B = prefix("2605:59c8:7700::/56");
export const ULA = prefix("fd12:3456:789a::/48");
export const LAN = "lan";
export const GUEST = "guest";
const START = instant(1_000_000);
const NONE = 0 as Seconds;

/** Client number `n`, whose DUID tells its MAC address. */
export const client = (n: number): Duid => parseDuid(`000300010200${n.toString(16).padStart(8, "0")}`)!;
export const linkLocal = (n: number): Ip6 => ip6(`fe80::${(n + 0x100).toString(16)}`);

/** A prefix that we hold, with 150/300 s to go. */
export function holding(value: Prefix, { preferred = 150, valid = 300, at = START } = {}): Expiring {
  return { prefix: value, preferredUntil: after(at, seconds(preferred)), validUntil: after(at, seconds(valid)) };
}

/** Both LANs with the first /64s of each holding; the rest is delegated. */
export function serviceOf(holdings: readonly Expiring[], changes: Partial<LanService> = {}): Dhcpv6Service {
  const lan = (number: number): LanService => ({
    addresses: true,
    delegatedLength: 64,
    subnets: holdings.map((each) => ({ ...each, prefix: lanOf(each.prefix, number) })),
    stale: [],
    resolvers: [ip6("2606:4700:4700::1111")],
    searchDomains: ["home.arpa"],
    passedOn: [],
    ...changes,
  });
  return {
    lans: { [LAN]: lan(0), [GUEST]: lan(1) },
    pools: holdings.map((each) => ({ ...each, taken: [lanOf(each.prefix, 0), lanOf(each.prefix, 1)] })),
  };
}

export const lanOf = (value: Prefix, number: number): Prefix =>
  prefix(value.replace(/::\/\d+$/, number === 0 ? "::/64" : `:${number.toString(16)}::/64`));

export interface Asking {
  readonly n?: number;
  readonly link?: string;
  readonly from?: Ip6;
  readonly to?: Ip6;
  /** null: none. By default the client's own. */
  readonly client?: Duid | null;
  /** By default ours where the message is for one server; null: none. */
  readonly server?: Duid | null;
  readonly options?: readonly Dhcpv6Option[];
  readonly transactionId?: number;
}

const ADDRESSED: ReadonlySet<Dhcpv6Kind> = new Set(["request", "renew", "release", "decline"]);

export class LanServerScript {
  now = START;
  fact: Dhcpv6LanServerFact = { delegations: [], leases: [] };
  readonly notes: Note[] = [];
  saves = 0;
  #machine: ReturnType<typeof createDhcpv6LanServer>;

  constructor(service?: Dhcpv6Service, saved?: Json) {
    this.#machine = createDhcpv6LanServer(
      { duid: SERVER, secret: new Uint8Array(32).fill(7) },
      saved === undefined ? undefined : { snapshot: JSON.parse(JSON.stringify(saved)) as Json, shift: seconds(0) },
    );
    if (service) this.serve(service);
  }

  get snapshot(): Json {
    return this.#machine.snapshot();
  }

  wakeAt(): Instant | undefined {
    return this.#machine.wakeAt();
  }

  serve(service: Dhcpv6Service): void {
    this.#take(this.#machine.handle({ kind: "serve", service }, this.now));
  }

  forget(value: string): void {
    this.#take(this.#machine.handle({ kind: "forget", value: value as Ip6 | Prefix }, this.now));
  }

  /** Lets seconds pass. */
  pass(time: number): void {
    const end = after(this.now, seconds(time));
    for (let wake = this.#machine.wakeAt(); wake !== undefined && wake <= end; wake = this.#machine.wakeAt()) {
      this.now = wake > this.now ? wake : this.now;
      this.#take(this.#machine.handle({ kind: "tick" }, this.now));
    }
    this.now = end;
  }

  /** The answer to a message; undefined for silence. */
  ask(kind: Dhcpv6Kind, asking: Asking = {}): ClientServerMessage | undefined {
    const { n = 1, server = ADDRESSED.has(kind) ? SERVER : null, options = [], transactionId = 0xabcdef } = asking;
    const who = asking.client === undefined ? client(n) : asking.client;
    const ids: Dhcpv6Option[] = who === null ? [] : [{ kind: "client-id", duid: who }];
    if (server !== null) ids.push({ kind: "server-id", duid: server });
    return this.hear(encodeDhcpv6({ kind, transactionId, options: [...ids, ...options] }), asking);
  }

  hear(bytes: Uint8Array, { n = 1, link = LAN, from = linkLocal(n), to = ALL_DHCP_SERVERS }: Asking = {}): ClientServerMessage | undefined {
    const packet = { kind: "packet", link, from, to, hopLimit: 1, sourcePort: 546, bytes } as const;
    const sent = this.#take(this.#machine.handle(packet, this.now));
    const [answer] = sent;
    return answer && (decodeDhcpv6(answer.bytes) as ClientServerMessage);
  }

  /** Solicit and Request as a client does; the Reply's association. */
  obtain(ia: IaNa | IaPd, asking: Asking = {}): IaNa | IaPd {
    const [offered] = iasIn(this.ask("solicit", { ...asking, options: [ia] })!);
    return iasIn(this.ask("request", { ...asking, options: [offered!] })!)[0]!;
  }

  #take(outputs: readonly Output<Dhcpv6LanServerFact>[]): { readonly link?: string; readonly to: Ip6; readonly bytes: Uint8Array }[] {
    return outputs.flatMap((output) => {
      if (output.kind === "fact") this.fact = output.fact;
      if (output.kind === "save") this.saves++;
      if (output.kind === "note") this.notes.push(output);
      return output.kind === "send" ? [output] : [];
    });
  }
}

/** An IA_PD that names these prefixes. */
export function iaPd(named: readonly string[] = [], iaid = 1): IaPd {
  return {
    kind: "ia-pd",
    iaid,
    t1: NONE,
    t2: NONE,
    options: named.map((each) => ({ kind: "ia-prefix", prefix: prefix(each), preferred: NONE, valid: NONE, options: [] })),
  };
}

/** An IA_NA that names these addresses. */
export function iaNa(named: readonly string[] = [], iaid = 1): IaNa {
  return {
    kind: "ia-na",
    iaid,
    t1: NONE,
    t2: NONE,
    options: named.map((each) => ({ kind: "ia-address", address: ip6(each), preferred: NONE, valid: NONE, options: [] })),
  };
}

export const iasIn = (message: ClientServerMessage): readonly (IaNa | IaPd)[] => [
  ...optionsOf(message, "ia-na"),
  ...optionsOf(message, "ia-pd"),
];

/** "address-or-prefix preferred/valid" of each lease in an association. */
export function told(ia: IaNa | IaPd | undefined): readonly string[] {
  if (!ia) return [];
  return [
    ...optionsOf(ia, "ia-prefix").map(({ prefix: value, preferred, valid }) => `${value} ${preferred}/${valid}`),
    ...optionsOf(ia, "ia-address").map(({ address, preferred, valid }) => `${address} ${preferred}/${valid}`),
  ];
}

/** The same association, naming what it was told as alive. */
export function held(ia: IaNa | IaPd): IaNa | IaPd {
  return { ...ia, options: ia.options.filter((option) => "valid" in option && option.valid > 0) };
}

export const oro = (...kinds: readonly (keyof typeof OPTION_CODES)[]): Dhcpv6Option => ({
  kind: "oro",
  codes: kinds.map((kind) => OPTION_CODES[kind]),
});
