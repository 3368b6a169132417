/** What provider-process.ts is told: its settings (a JSON file) and its commands (a JSON object a line). */
import * as v from "valibot";
import { type Ip4, type Ip6, parseIp4, parseIp6 } from "../addr/ip.ts";
import { type Mac, parseMac } from "../addr/mac.ts";
import { type Prefix, parsePrefix } from "../addr/prefix.ts";
import { type Prefix4, parsePrefix4 } from "../addr/prefix4.ts";
import type { Seconds } from "../addr/time.ts";
import type { ProviderCommand } from "./provider.ts";
import { type ProviderProfile, STARLINK } from "./provider-profile.ts";

/** A settings file or a command that is not as it should be; the message names the field. */
export class SettingsError extends Error {}

export interface ProviderSettings {
  readonly interface: string;
  /** Path of the unix socket for commands; absent: none. */
  readonly control?: string;
  readonly profile: ProviderProfile;
}

const ip = parsed<Ip6>(parseIp6, "an IPv6 address");
const ipv4 = parsed<Ip4>(parseIp4, "an IPv4 address");
const prefix = parsed<Prefix>(parsePrefix, "an IPv6 prefix");
const time = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(0),
  v.maxValue(0xffff_ffff),
  v.transform((count) => count as Seconds),
);
const length = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(128));

const advertising = v.partial(
  v.strictObject({
    managed: v.boolean(),
    other: v.boolean(),
    prefix,
    preferred: time,
    valid: time,
    routerLifetime: v.pipe(time, v.maxValue(0xffff as Seconds)),
    resolvers: v.array(ip),
    mtu: v.number(),
    maxInterval: v.number(),
    minInterval: v.number(),
  }),
);

const dhcpv6 = v.partial(
  v.strictObject({
    preference: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)),
    delegation: v.strictObject({ prefix, length }),
    addresses: prefix,
    preferred: time,
    valid: time,
    t1: time,
    t2: time,
    resolvers: v.array(ip),
    searchDomains: v.array(v.string()),
    rapidCommit: v.boolean(),
    solMaxRt: time,
    infMaxRt: time,
    refreshTime: time,
    formerPrefixes: v.picklist(["withdraw", "silence"]),
    strangers: v.picklist(["no-binding", "adopt", "silence"]),
  }),
);

const dhcpv4 = v.partial(
  v.strictObject({
    network: parsed<Prefix4>(parsePrefix4, "an IPv4 prefix"),
    router: ipv4,
    time,
    resolvers: v.array(ipv4),
    mtu: v.pipe(v.number(), v.integer(), v.maxValue(0xffff)),
  }),
);

const SETTINGS = v.strictObject({
  interface: v.string(),
  control: v.exactOptional(v.string()),
  linkLocal: v.exactOptional(ip),
  mac: v.exactOptional(parsed<Mac>(parseMac, "a MAC address")),
  advertising: v.exactOptional(advertising),
  dhcpv6: v.exactOptional(dhcpv6),
  dhcpv4: v.exactOptional(dhcpv4),
  replies: v.exactOptional(
    v.variant("kind", [
      v.strictObject({ kind: v.literal("plain") }),
      v.strictObject({ kind: v.literal("broadcast"), source: ip, sourcePort: v.pipe(v.number(), v.integer(), v.maxValue(0xffff)) }),
    ]),
  ),
});

const COMMAND = v.variant("kind", [
  v.strictObject({ kind: v.literal("renumber"), pool: prefix, link: v.exactOptional(prefix) }),
  v.strictObject({ kind: v.literal("length"), length }),
  v.strictObject({ kind: v.literal("mute"), on: v.boolean(), protocol: v.exactOptional(v.picklist(["ndp", "dhcpv6", "dhcpv4"])) }),
  v.strictObject({ kind: v.literal("forget") }),
  v.strictObject({ kind: v.literal("flags"), managed: v.boolean(), other: v.boolean() }),
  v.strictObject({ kind: v.literal("lifetimes"), preferred: time, valid: time, link: v.exactOptional(v.boolean()) }),
  v.strictObject({ kind: v.literal("router-lifetime"), lifetime: time }),
  v.strictObject({ kind: v.literal("stop-ra") }),
  v.strictObject({ kind: v.literal("start-ra") }),
  v.strictObject({ kind: v.literal("dhcpv6"), options: dhcpv6 }),
  v.strictObject({ kind: v.literal("dhcpv4"), options: dhcpv4 }),
]);

/** Reads settings; everything but the interface may be left out and is then as with Starlink. @throws SettingsError */
export function parseSettings(text: string): ProviderSettings {
  const { interface: name, control, ...changes } = checked(SETTINGS, text);
  const profile: ProviderProfile = {
    linkLocal: changes.linkLocal ?? STARLINK.linkLocal,
    mac: changes.mac ?? STARLINK.mac,
    advertising: { ...STARLINK.advertising, ...defined(changes.advertising ?? {}) },
    dhcpv6: { ...STARLINK.dhcpv6, ...defined(changes.dhcpv6 ?? {}) },
    dhcpv4: { ...STARLINK.dhcpv4, ...defined(changes.dhcpv4 ?? {}) },
    replies: changes.replies ?? STARLINK.replies,
  };
  return { interface: name, ...(control !== undefined && { control }), profile };
}

/** Reads one command. @throws SettingsError */
export function parseCommand(line: string): ProviderCommand {
  const command = checked(COMMAND, line);
  if (command.kind === "dhcpv6") return { ...command, options: defined(command.options) };
  return command.kind === "dhcpv4" ? { ...command, options: defined(command.options) } : command;
}

function checked<Schema extends v.GenericSchema>(schema: Schema, text: string): v.InferOutput<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SettingsError(`no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new SettingsError(`${v.getDotPath(issue) ?? "the object"}: ${issue.message}`);
}

/** A text that `parse` understands. */
function parsed<Value extends string>(parse: (text: string) => Value | undefined, what: string) {
  return v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = parse(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: `"${dataset.value}" is not ${what}` });
      return NEVER;
    }),
  );
}

type Defined<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** The fields that have a value. */
function defined<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields>;
}
