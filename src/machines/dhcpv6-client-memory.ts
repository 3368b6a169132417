/** What a DHCPv6 client must still know after a restart, and how it is written down: RFC 8415 18.2.12, RFC 9096 3.5. */
import { type Duid, parseDuid } from "../addr/duid.ts";
import { type Ip6, parseIp6 } from "../addr/ip.ts";
import { type Prefix, parsePrefix } from "../addr/prefix.ts";
import { after, type Duration, type Instant, instant, NEVER, type Seconds } from "../addr/time.ts";
import type { Binding, Bindings, IaKey, Lease } from "./dhcpv6-client-bindings.ts";
import type { PassedOnOption } from "./facts.ts";
import { type Configuration, NOTHING_CONFIGURED } from "./dhcpv6-client-configuration.ts";
import type { Claim } from "./dhcpv6-client-messages.ts";
import type { Json } from "./machine.ts";

/** A key for Reconfigure messages, RFC 8415 20.4. */
export interface ReconfigureKey {
  readonly server: Duid;
  readonly value: Uint8Array;
  /** Latest replay counter accepted. */
  readonly replay: bigint;
}

export interface Memory {
  readonly bindings: Bindings;
  /** The server that gave or extended the bindings. */
  readonly server: { readonly duid: Duid; readonly address: Ip6 } | undefined;
  /** The latest leases of each IA, even when they have ended: asked for again. */
  readonly former: readonly Claim[];
  readonly configuration: Configuration;
  readonly key: ReconfigureKey | undefined;
  readonly solMaxRt: Seconds | undefined;
  readonly infMaxRt: Seconds | undefined;
}

export const NOTHING_KNOWN: Memory = {
  bindings: [],
  server: undefined,
  former: [],
  configuration: NOTHING_CONFIGURED,
  key: undefined,
  solMaxRt: undefined,
  infMaxRt: undefined,
};

const VERSION = 1;

/** The snapshot of the client that calls itself `client`. NEVER is written as null. */
export function memoryToJson(memory: Memory, client: Duid): Json {
  const { server, key, solMaxRt, infMaxRt, configuration } = memory;
  return {
    version: VERSION,
    client,
    bindings: memory.bindings.map(bindingToJson),
    server: server ? { ...server } : null,
    former: memory.former.map((claim) => ({ ...claim })),
    configuration: { ...configuration },
    key: key ? { server: key.server, value: Array.from(key.value), replay: key.replay.toString() } : null,
    solMaxRt: solMaxRt ?? null,
    infMaxRt: infMaxRt ?? null,
  };
}

/** Reads a snapshot, moving its Instants by `shift`. Nothing is taken from one that is damaged, of another version or of another client. */
export function memoryFromJson(json: Json, client: Duid, shift: Duration): Memory {
  try {
    const top = fields(json);
    if (top["version"] !== VERSION || top["client"] !== client) return NOTHING_KNOWN;
    return {
      bindings: list(top["bindings"]).map((item) => bindingFromJson(item, shift)),
      server: optional(top["server"], serverFromJson),
      former: list(top["former"]).map(claimFromJson),
      configuration: configurationFromJson(top["configuration"]),
      key: optional(top["key"], keyFromJson),
      solMaxRt: optional(top["solMaxRt"], count) as Seconds | undefined,
      infMaxRt: optional(top["infMaxRt"], count) as Seconds | undefined,
    };
  } catch (error) {
    if (error instanceof Damaged) return NOTHING_KNOWN;
    throw error;
  }
}

class Damaged extends Error {}

function bindingToJson({ kind, iaid, renewAt, rebindAt, leases }: Binding): Json {
  return { kind, iaid, renewAt: instantToJson(renewAt), rebindAt: instantToJson(rebindAt), leases: leases.map(leaseToJson) };
}

function leaseToJson({ value, excluded, preferredUntil, validUntil }: Lease): Json {
  const times = { preferredUntil: instantToJson(preferredUntil), validUntil: instantToJson(validUntil) };
  return { value, ...(excluded && { excluded }), ...times };
}

function bindingFromJson(json: Json, shift: Duration): Binding {
  const binding = fields(json);
  const key = iaKeyFromJson(binding);
  const times = { renewAt: instantFromJson(binding["renewAt"], shift), rebindAt: instantFromJson(binding["rebindAt"], shift) };
  return { ...key, ...times, leases: list(binding["leases"]).map((item) => leaseFromJson(item, key.kind, shift)) };
}

function leaseFromJson(json: Json, kind: IaKey["kind"], shift: Duration): Lease {
  const lease = fields(json);
  const excluded = lease["excluded"] === undefined ? undefined : prefixFromJson(lease["excluded"]);
  return {
    value: valueFromJson(lease["value"], kind),
    ...(excluded && { excluded }),
    preferredUntil: instantFromJson(lease["preferredUntil"], shift),
    validUntil: instantFromJson(lease["validUntil"], shift),
  };
}

function serverFromJson(json: Json): { duid: Duid; address: Ip6 } {
  const server = fields(json);
  return { duid: duidFromJson(server["duid"]), address: addressFromJson(server["address"]) };
}

function claimFromJson(json: Json): Claim {
  const claim = fields(json);
  const key = iaKeyFromJson(claim);
  return { ...key, values: list(claim["values"]).map((value) => valueFromJson(value, key.kind)) };
}

function configurationFromJson(json: Json | undefined): Configuration {
  const configuration = fields(json);
  return {
    resolvers: list(configuration["resolvers"]).map(addressFromJson),
    searchDomains: list(configuration["searchDomains"]).map(text),
    ntpServers: list(configuration["ntpServers"]).map(text),
    // Absent in what an earlier version has stored.
    passedOn: list(configuration["passedOn"] ?? []).map(passedOnFromJson),
  };
}

function passedOnFromJson(json: Json): PassedOnOption {
  const option = fields(json);
  return { code: count(option["code"]), data: list(option["data"]).map(count) };
}

function keyFromJson(json: Json): ReconfigureKey {
  const key = fields(json);
  const replay = text(key["replay"]);
  if (!/^\d{1,20}$/.test(replay)) throw new Damaged();
  return { server: duidFromJson(key["server"]), value: Uint8Array.from(list(key["value"]).map(count)), replay: BigInt(replay) };
}

function iaKeyFromJson(ia: Fields): IaKey {
  const { kind } = ia;
  if (kind !== "ia-na" && kind !== "ia-pd") throw new Damaged();
  return { kind, iaid: count(ia["iaid"]) };
}

function valueFromJson(json: Json | undefined, kind: IaKey["kind"]): Ip6 | Prefix {
  return kind === "ia-na" ? addressFromJson(json) : prefixFromJson(json);
}

function instantToJson(value: Instant): Json {
  return value === NEVER ? null : value;
}

function instantFromJson(json: Json | undefined, shift: Duration): Instant {
  if (json === null) return NEVER;
  if (typeof json !== "number" || !Number.isFinite(json)) throw new Damaged();
  return after(instant(json), shift);
}

type Fields = { readonly [key: string]: Json };

function fields(json: Json | undefined): Fields {
  if (json === null || typeof json !== "object" || Array.isArray(json)) throw new Damaged();
  return json as Fields;
}

function list(json: Json | undefined): readonly Json[] {
  if (!Array.isArray(json)) throw new Damaged();
  return json;
}

function text(json: Json | undefined): string {
  if (typeof json !== "string") throw new Damaged();
  return json;
}

function count(json: Json | undefined): number {
  if (typeof json !== "number" || !Number.isInteger(json) || json < 0 || json > 0xffffffff) throw new Damaged();
  return json;
}

function optional<T>(json: Json | undefined, read: (json: Json) => T): T | undefined {
  return json === null || json === undefined ? undefined : read(json);
}

function duidFromJson(json: Json | undefined): Duid {
  return parseDuid(text(json)) ?? damaged();
}

function addressFromJson(json: Json | undefined): Ip6 {
  return parseIp6(text(json)) ?? damaged();
}

function prefixFromJson(json: Json | undefined): Prefix {
  return parsePrefix(text(json)) ?? damaged();
}

function damaged(): never {
  throw new Damaged();
}
