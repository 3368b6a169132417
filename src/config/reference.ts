/** The reference page and the JSON Schema of the config, made from the schema: neither can say anything else than the check does. */
import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { schema } from "./schema.ts";

const INTRODUCTION = `# The config

One TOML file, by default \`/etc/skylan/skylan.toml\`. Five lines are a config:

\`\`\`toml
[wan]
interface = "eth8"

[lan.home]
interface = "eth0"
\`\`\`

Everything else has a default. \`skylan plan\` checks the file and shows what \`skylan up\` would change. A mistake is told with its line and column, all
mistakes at once. Editors that know JSON Schema find [config.schema.json](config.schema.json).

This page is made by \`npm run config-reference\` from \`src/config/schema.ts\`.
`;

const EXAMPLE = `## All of it

\`\`\`toml
[wan]
interface = "eth8"
ipv4 = "dhcp"

[lan.home]
interface = "eth0"
ipv4 = "192.168.1.1/24"
open = ["tcp/22", "udp/5000-5010"]

[lan.home.advertise]
resolvers = ["2606:4700:4700::1111"]
search_domains = ["home.arpa"]

[lan.home.dhcp]
pool = "192.168.1.100-192.168.1.249"

[lan.home.dhcpv6]
addresses = true

[lan.guest]
interface = "eth1"
subnet = 16

[device.printer]
mac = "b8:27:eb:12:34:56"
ipv4 = "192.168.1.10"

[gateway]
open = ["tcp/22"]

[[forward]]
port = "tcp/443"
to = "printer"

[dns]
enabled = true
upstreams = ["tls://1.1.1.1#cloudflare-dns.com", "9.9.9.9"]

[ula]
prefix = "auto"
\`\`\`
`;

/** The text of docs/config.md. */
export function configReference(): string {
  const { wan, lan, device, gateway, forward, dns, ula } = schema.entries;
  const sections = [
    section("wan", wan),
    section("lan.NAME", lan.value),
    section("lan.NAME.advertise", lan.value.entries.advertise.wrapped),
    section("lan.NAME.dhcp", lan.value.entries.dhcp.wrapped),
    section("device.NAME", device.wrapped.value),
    section("lan.NAME.dhcpv6", lan.value.entries.dhcpv6.wrapped),
    section("gateway", gateway.wrapped),
    section("[forward]", forward.wrapped.item),
    section("dns", dns.wrapped),
    section("ula", ula.wrapped),
  ];
  return [INTRODUCTION, ...sections, EXAMPLE].join("\n");
}

/** The text of docs/config.schema.json, JSON Schema draft 7. */
export function configJsonSchema(): string {
  return `${formatJson(toJsonSchema(schema, { errorMode: "ignore", typeMode: "input" }), "")}\n`;
}

/** Objects on lines of their own, lists on one. */
function formatJson(value: unknown, indent: string): string {
  if (Array.isArray(value)) return `[${value.map((item) => formatJson(item, indent)).join(", ")}]`;
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) return JSON.stringify(value);
  const inner = `${indent}  `;
  const lines = Object.entries(value).map(([key, field]) => `${inner}${JSON.stringify(key)}: ${formatJson(field, inner)}`);
  return `{\n${lines.join(",\n")}\n${indent}}`;
}

/** A table of the config: a schema with a description and entries. */
type TableSchema = v.GenericSchema & { readonly entries: Readonly<Record<string, v.GenericSchema>> };

function section(name: string, table: TableSchema): string {
  const rows = Object.entries(table.entries).flatMap(([key, entry]) => row(key, entry));
  return `## [${name}]\n\n${v.getDescription(table) ?? ""}\n\n| Key | Value | Default | Meaning |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

/** One line; none for a table, which has a section of its own. */
function row(key: string, entry: v.GenericSchema): readonly string[] {
  const inner = entry.type === "optional" ? (entry as v.OptionalSchema<v.GenericSchema, unknown>).wrapped : entry;
  if ("entries" in inner) return [];
  const meaning = [v.getDescription(inner) ?? "", example(inner)].filter((part) => part !== "").join(" ");
  return [`| ${[`\`${key}\``, v.getTitle(inner) ?? "", standard(entry), meaning].map(escapeCell).join(" | ")} |`];
}

function example(entry: v.GenericSchema): string {
  const [first] = v.getExamples(entry) as readonly unknown[];
  return first === undefined ? "" : `Such as \`${JSON.stringify(first)}\`.`;
}

function standard(entry: v.GenericSchema): string {
  if (entry.type !== "optional") return "needed";
  const value: unknown = v.getDefault(entry as v.OptionalSchema<v.GenericSchema, unknown>);
  return value === undefined ? "none" : `\`${JSON.stringify(value)}\``;
}

const escapeCell = (text: string): string => text.replaceAll("|", "\\|");
