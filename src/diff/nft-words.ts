/** Rules of libnftables' JSON in the words of the nft language, for people to read. What is not known here is shown as JSON: nothing is hidden. */
import type { NftObject } from "../wire/nft-json.ts";

type Fields = Readonly<Record<string, unknown>>;

/** One line for an object of a rule set, e.g. "chain forward: ct state established accept"; undefined for the table itself. */
export function nftWords(object: NftObject): string | undefined {
  const [kind, fields] = Object.entries(object)[0] ?? [];
  if (kind === undefined || !isFields(fields) || kind === "table") return undefined;
  switch (kind) {
    case "chain":
      return chainWords(fields);
    case "rule":
      return `chain ${String(fields["chain"])}: ${ruleWords(fields)}`;
    case "set":
    case "map":
      return `${kind} ${String(fields["name"])}: ${elements(fields["elem"])}`;
    default:
      return `${kind} ${String(fields["name"] ?? "")}`.trimEnd();
  }
}

function chainWords(fields: Fields): string {
  const { name, hook, type, prio, policy } = fields;
  if (hook === undefined) return `chain ${String(name)}`;
  return `chain ${String(name)}: ${String(type)} hook ${String(hook)} priority ${String(prio)}, policy ${String(policy ?? "accept")}`;
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
      return `${kind} ${String(body["target"])}`;
    case "reject":
      return `reject ${[body["type"], body["expr"]].filter((part) => part !== undefined).join(" ")}`.trimEnd();
    case "limit":
      return `limit ${body["inv"] === true ? "over " : ""}${String(body["rate"])}/${String(body["per"])}`;
    case "mangle":
      return `${expression(body["key"])} set ${expression(body["value"])}`;
    case "log":
      return `log ${String(body["prefix"] ?? "")}`.trimEnd();
    default:
      return `${kind} ${JSON.stringify(body)}`;
  }
}

function match(body: Fields): string {
  const op = String(body["op"]);
  const sign = op === "==" || op === "in" ? "" : `${op} `;
  return `${expression(body["left"])} ${sign}${expression(body["right"])}`;
}

function expression(value: unknown): string {
  if (Array.isArray(value)) return value.map(expression).join(",");
  if (!isFields(value)) return String(value);
  const [kind, body] = Object.entries(value)[0] ?? [];
  switch (kind) {
    case "payload":
      return isFields(body) ? `${String(body["protocol"] ?? body["base"])} ${String(body["field"] ?? body["offset"])}` : "payload";
    case "meta":
    case "ct":
    case "fib":
      return keyed(kind, body);
    case "prefix":
      return isFields(body) ? `${String(body["addr"])}/${String(body["len"])}` : "";
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
      return isFields(body) ? `${kind} ${String(body["name"])} ${String(body["field"] ?? "")}`.trimEnd() : kind;
    default:
      return isFields(value) && Object.keys(value).length === 1 ? statement(value) : JSON.stringify(value);
  }
}

function keyed(kind: string, body: unknown): string {
  if (!isFields(body)) return kind;
  const key = body["key"] ?? body["result"];
  const of = body["flags"] === undefined ? "" : ` ${expression(body["flags"])}`;
  const short = kind === "meta" && ["iifname", "oifname", "l4proto", "nfproto"].includes(String(key));
  return short ? String(key) : `${kind}${of} ${String(key)}`;
}

/** The elements of a set or map, the many of a large one counted. */
function elements(value: unknown): string {
  if (!Array.isArray(value)) return value === undefined ? "{}" : expression(value);
  const shown = value.slice(0, 12).map((item) => (Array.isArray(item) ? item.map(expression).join(" : ") : expression(item)));
  const rest = value.length - shown.length;
  return `{ ${shown.join(", ")}${rest > 0 ? `, and ${rest} more` : ""} }`;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
