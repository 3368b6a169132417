/** DHCPv4 messages in words: one line with what matters, and a line for each option. */
import { toHex } from "../addr/hex.ts";
import { UNSPECIFIED4 } from "../addr/ip.ts";
import { DEFAULT_ROUTE4 } from "../addr/prefix4.ts";
import { INFINITY } from "../addr/time.ts";
import { type Dhcpv4Message, type Dhcpv4Option, OPTION_CODES, optionOf } from "./dhcpv4.ts";
import { lifetimeWords } from "./lifetime-words.ts";

/** "DHCPDISCOVER", as RFC 2131 writes it; "BOOTP" for a message that has no type. */
export function dhcpv4Name(message: Dhcpv4Message): string {
  const type = optionOf(message, "message-type")?.type;
  return type === undefined ? "BOOTP" : `DHCP${type.toUpperCase()}`;
}

/** What matters: the address and how long, what comes with it, or what is asked for and of whom. */
export function dhcpv4Words(message: Dhcpv4Message): string {
  return (message.op === "reply" ? answerWords(message) : questionWords(message)).filter((part) => part !== "").join("; ");
}

/** "transaction 3a2b1c00 of 02:00:00:00:00:01". */
export function dhcpv4Reference({ xid, chaddr }: Dhcpv4Message): string {
  return `transaction ${xid.toString(16).padStart(8, "0")} of ${chaddr}`;
}

/** Each option as a line. */
export function dhcpv4OptionLines(message: Dhcpv4Message): string[] {
  return message.options.map((option) => `${option.kind} ${optionWords(option)}`.trimEnd());
}

function questionWords(message: Dhcpv4Message): string[] {
  const wanted = optionOf(message, "requested-address")?.address;
  const server = optionOf(message, "server-id")?.address;
  const name = optionOf(message, "host-name")?.text;
  return [
    message.ciaddr === UNSPECIFIED4 ? "" : `has ${message.ciaddr}`,
    wanted === undefined ? "" : `about ${wanted}`,
    server === undefined ? "" : `to server ${server}`,
    name === undefined ? "" : `called ${name}`,
    message.giaddr === UNSPECIFIED4 ? "" : `by relay ${message.giaddr}`,
    message.secs > 0 ? `trying for ${message.secs} s` : "",
  ];
}

function answerWords(message: Dhcpv4Message): string[] {
  const time = optionOf(message, "lease-time")?.time;
  const length = optionOf(message, "subnet-mask")?.length;
  const reason = optionOf(message, "message")?.text ?? "";
  const address = `${message.yiaddr}${length === undefined ? "" : `/${length}`}`;
  return [
    message.yiaddr === UNSPECIFIED4
      ? ""
      : `${address}${time === undefined ? "" : time === INFINITY ? " for ever" : ` for ${lifetimeWords(time)}`}`,
    routerWords(message),
    listWords("DNS", optionOf(message, "resolvers")?.addresses),
    listWords("search", optionOf(message, "domain-search")?.domains),
    reason,
  ];
}

/** Classless routes make the routers void, RFC 3442. */
function routerWords(message: Dhcpv4Message): string {
  const routes = optionOf(message, "classless-routes")?.routes;
  if (routes) return listWords("routes", routes.map(routeWords));
  return listWords("router", optionOf(message, "routers")?.addresses);
}

const routeWords = ({ destination, router }: { readonly destination: string; readonly router: string }): string =>
  `${destination === DEFAULT_ROUTE4 ? "default" : destination} by ${router}`;

const listWords = (name: string, values: readonly string[] = []): string => (values.length === 0 ? "" : `${name} ${values.join(", ")}`);

function optionWords(option: Dhcpv4Option): string {
  switch (option.kind) {
    case "message-type":
      return option.type;
    case "subnet-mask":
      return `/${option.length}`;
    case "routers":
    case "resolvers":
    case "ntp-servers":
      return option.addresses.join(" ");
    case "broadcast-address":
    case "requested-address":
    case "server-id":
      return option.address;
    case "host-name":
    case "domain-name":
    case "message":
      return option.text;
    case "mtu":
    case "max-size":
      return `${option.octets} octets`;
    case "lease-time":
    case "renewal-time":
    case "rebinding-time":
      return lifetimeWords(option.time);
    case "parameter-list":
      return option.codes.map(codeName).join(" ");
    case "client-id":
      return toHex(option.id, ":");
    case "client-fqdn":
      return option.labels.join(".");
    case "domain-search":
      return option.domains.join(" ");
    case "classless-routes":
      return option.routes.map(routeWords).join(", ");
    case "unknown":
      return `${option.code}, ${option.data.length} octets`;
  }
}

function codeName(code: number): string {
  return Object.entries(OPTION_CODES).find(([, known]) => known === code)?.[0] ?? String(code);
}
