/** Rules of libnftables' JSON in the words of the nft language, for people to read. What is not known here is shown as JSON: nothing is hidden. */
import type { NftObject } from "../wire/nft-json.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Protocols come as numbers, because what nft calls them depends on the machine. */
const PROTOCOL_NAMES = new Map<unknown, string>([
  [1, "icmp"],
  [6, "tcp"],
  [17, "udp"],
  [58, "ipv6-icmp"],
]);

/** One line for an object of a rule set, e.g. "chain forward: ct state established accept"; undefined for the table itself. */
export function nftWords(object: NftObject): string | undefined {
  const [kind, fields] = Object.entries(object)[0] ?? [];
  if (kind === undefined || !isFields(fields) || kind === "table") return undefined;
  switch (kind) {
    case "chain":
      return chainWords(fields);
    case "rule":
      return `chain ${text(fields["chain"])}: ${ruleWords(fields)}`;
    case "set":
    case "map":
      return `${kind} ${text(fields["name"])}: ${elements(withProtocols(fields["elem"], fields["type"]))}`;
    default:
      return `${kind} ${text(fields["name"])}`.trimEnd();
  }
}

function chainWords(fields: Fields): string {
  const { name, hook, type, prio, policy } = fields;
  if (hook === undefined) return `chain ${text(name)}`;
  return `chain ${text(name)}: ${text(type)} hook ${text(hook)} priority ${text(prio)}, policy ${text(policy ?? "accept")}`;
}

function ruleWords(fields: Fields): string {
  const { expr, comment } = fields;
  const statements = Array.isArray(expr) ? expr.map(statement).filter((text) => text !== "") : [];
  if (typeof comment === "string") statements.push(`(${comment})`);
  return statements.join(" ");
}

function statement(value: unknown): string {
  const [kind, body] = isFields(value) ? (Object.entries(value)[0] ?? []) : [];
  if (kind === undefined) return JSON.stringify(value);
  if (body === null) return kind === "counter" ? "" : kind;
  if (!isFields(body)) return `${kind} ${expression(body)}`;
  switch (kind) {
    case "counter":
      return "";
    case "match":
      return match(body);
    case "vmap":
      return `${expression(body["key"])} vmap ${expression(body["data"])}`;
    case "jump":
    case "goto":
      return `${kind} ${text(body["target"])}`;
    case "dnat":
    case "snat":
      return `${kind} to ${text(body["addr"])}${body["port"] === undefined ? "" : `:${text(body["port"])}`}`;
    case "reject":
      return `reject ${text(body["type"])} ${text(body["expr"])}`.trimEnd();
    case "limit":
      return `limit ${body["inv"] === true ? "over " : ""}${text(body["rate"])}/${text(body["per"])}`;
    case "mangle":
      return `${expression(body["key"])} set ${expression(body["value"])}`;
    case "log":
      return `log ${text(body["prefix"])}`.trimEnd();
    default:
      return `${kind} ${JSON.stringify(body)}`;
  }
}

function match(body: Fields): string {
  const op = text(body["op"]);
  const sign = op === "==" || op === "in" ? "" : `${op} `;
  const right = expression(body["left"]) === "l4proto" ? withProtocols(body["right"], "inet_proto") : body["right"];
  return `${expression(body["left"])} ${sign}${expression(right)}`;
}

/** The same value, list or set of `type` with names in place of protocols' numbers. */
function withProtocols(value: unknown, type: unknown): unknown {
  if (type === "inet_proto" && PROTOCOL_NAMES.has(value)) return PROTOCOL_NAMES.get(value);
  if (Array.isArray(value)) return value.map((item) => withProtocols(item, type));
  if (!isFields(value)) return value;
  const { concat } = value;
  if (!Array.isArray(concat)) return "set" in value ? { set: withProtocols(value["set"], type) } : value;
  return { concat: concat.map((part, index) => withProtocols(part, Array.isArray(type) ? type[index] : undefined)) };
}

function expression(value: unknown): string {
  if (Array.isArray(value)) return value.map(expression).join(",");
  if (!isFields(value)) return text(value);
  const [kind, body] = Object.entries(value)[0] ?? [];
  switch (kind) {
    case "payload":
      return isFields(body) ? `${text(body["protocol"] ?? body["base"])} ${text(body["field"] ?? body["offset"])}` : "payload";
    case "meta":
    case "ct":
    case "fib":
      return keyed(kind, body);
    case "prefix":
      return isFields(body) ? `${text(body["addr"])}/${text(body["len"])}` : "";
    case "range":
      return Array.isArray(body) ? body.map(expression).join("-") : "";
    case "concat":
      return Array.isArray(body) ? body.map(expression).join(" . ") : "";
    case "set":
      return elements(body);
    case "&":
    case "|":
    case "^":
      return Array.isArray(body) ? `(${body.map(expression).join(` ${kind} `)})` : "";
    case "elem":
      return isFields(body) ? expression(body["val"]) : "";
    case "exthdr":
    case "tcp option":
      return isFields(body) ? `${kind} ${text(body["name"])} ${text(body["field"])}`.trimEnd() : kind;
    case undefined:
    default:
      return Object.keys(value).length === 1 ? statement(value) : JSON.stringify(value);
  }
}

function keyed(kind: string, body: unknown): string {
  if (!isFields(body)) return kind;
  const key = body["key"] ?? body["result"];
  const of = body["flags"] === undefined ? "" : ` ${expression(body["flags"])}`;
  const short = kind === "meta" && ["iifname", "oifname", "l4proto", "nfproto"].includes(text(key));
  return short ? text(key) : `${kind}${of} ${text(key)}`;
}

/** The elements of a set or map, the many of a large one counted. */
function elements(value: unknown): string {
  if (!Array.isArray(value)) return value === undefined ? "{}" : expression(value);
  const shown = value.slice(0, 12).map((item: unknown) => (Array.isArray(item) ? item.map(expression).join(" : ") : expression(item)));
  const rest = value.length - shown.length;
  return `{ ${shown.join(", ")}${rest > 0 ? `, and ${rest} more` : ""} }`;
}

/** A name or number; nothing for what is absent. */
function text(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
