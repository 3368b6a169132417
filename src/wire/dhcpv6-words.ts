/** DHCPv6 messages in words: one line with what matters, and a line for each option. */
import {
  type Dhcpv6Kind,
  type Dhcpv6Message,
  type Dhcpv6Option,
  type IaAddress,
  type IaNa,
  type IaPd,
  type IaPrefix,
  OPTION_CODES,
  type OptionHolder,
  optionOf,
  optionsOf,
  type RelayMessage,
  STATUS,
  type StatusCode,
} from "./dhcpv6.ts";
import { lifetimePair, lifetimeWords } from "./lifetime-words.ts";

const NAMES: Record<Dhcpv6Kind | RelayMessage["kind"], string> = {
  solicit: "Solicit",
  advertise: "Advertise",
  request: "Request",
  confirm: "Confirm",
  renew: "Renew",
  rebind: "Rebind",
  reply: "Reply",
  release: "Release",
  decline: "Decline",
  reconfigure: "Reconfigure",
  "information-request": "Information-request",
  "addr-reg-inform": "Addr-Reg-Inform",
  "addr-reg-reply": "Addr-Reg-Reply",
  "relay-forward": "Relay-forward",
  "relay-reply": "Relay-reply",
};

const FROM_SERVERS: ReadonlySet<Dhcpv6Message["kind"]> = new Set(["advertise", "reply"]);

/** Names of options that are asked for but have no codec here. */
const FURTHER_CODES: Readonly<Record<number, string>> = { 12: "unicast", 21: "sip-domains", 22: "sip-servers", 86: "pcp", 144: "dnr" };

/** The message's name as the RFC spells it. */
export function dhcpv6Name(message: Dhcpv6Message): string {
  return NAMES[message.kind];
}

/** What matters in a message, on one line; "" when nothing does. Texts of the peer are in it as they came. */
export function dhcpv6Words(message: Dhcpv6Message): string {
  const words: string[] = [];
  const status = optionOf(message, "status-code");
  if (status && (status.status !== STATUS.Success || status.message !== "")) words.push(statusWords(status));
  const promised = FROM_SERVERS.has(message.kind);
  for (const one of [...optionsOf(message, "ia-pd"), ...optionsOf(message, "ia-na")]) words.push(associationWords(one, promised));
  for (const { addresses } of optionsOf(message, "dns-servers")) words.push(`DNS ${addresses.join(" ")}`);
  for (const { domains } of optionsOf(message, "domain-list")) words.push(`search ${domains.join(" ")}`);
  if (optionOf(message, "rapid-commit")) words.push("rapid commit");
  for (const { address } of optionsOf(message, "ia-address")) words.push(address);
  const reconfigure = optionOf(message, "reconfigure-message");
  if (reconfigure) words.push(`answer with message ${reconfigure.messageType}`);
  const elapsed = optionOf(message, "elapsed-time");
  if (elapsed && elapsed.hundredths > 0) words.push(`trying for ${elapsed.hundredths / 100} s`);
  return words.join("; ");
}

/** Each option as a line, what it contains indented below it. */
export function dhcpv6OptionLines(message: Dhcpv6Message): string[] {
  return message.options.flatMap((option) => optionLines(option, ""));
}

/** "transaction 3a2b1c", or the hop count of a relayed message. */
export function dhcpv6Reference(message: Dhcpv6Message): string {
  if ("transactionId" in message) return `transaction ${message.transactionId.toString(16).padStart(6, "0")}`;
  return `hop ${message.hopCount} for ${message.peerAddress}`;
}

function statusWords({ status, message }: StatusCode): string {
  const name = Object.entries(STATUS).find(([, code]) => code === status)?.[0] ?? `status ${status}`;
  return message === "" ? name : `${name} (${message})`;
}

/** Lifetimes and times count only where a server promises them: a client sends zeros (RFC 8415 18.2). */
function associationWords(association: IaNa | IaPd, promised: boolean): string {
  const what = association.kind === "ia-pd" ? "prefix" : "address";
  const status = failure(association);
  const words = status ? [`no ${what}: ${statusWords(status)}`] : [];
  const leases = [...optionsOf(association, "ia-prefix"), ...optionsOf(association, "ia-address")];
  words.push(...leases.map((lease) => leaseWords(lease, promised)));
  if (words.length === 0) words.push(promised ? `no ${what}` : `any ${what}`);
  if (promised && leases.length > 0) words.push(timesWords(association));
  return words.join(", ");
}

function leaseWords(lease: IaPrefix | IaAddress, promised: boolean): string {
  const name = lease.kind === "ia-prefix" ? lease.prefix.replace(/^::\//, "any /") : lease.address;
  const status = failure(lease);
  return [name, ...(promised ? [lifetimePair(lease)] : []), ...(status ? [`(${statusWords(status)})`] : [])].join(" ");
}

function failure(holder: OptionHolder): StatusCode | undefined {
  const status = optionOf(holder, "status-code");
  return status?.status === STATUS.Success ? undefined : status;
}

function timesWords({ t1, t2 }: IaNa | IaPd): string {
  return `T1 ${lifetimeWords(t1)} T2 ${lifetimeWords(t2)}`;
}

function optionLines(option: Dhcpv6Option, indent: string): string[] {
  const line = `${indent}${option.kind} ${optionWords(option)}`.trimEnd();
  if (!("options" in option)) return [line];
  return [line, ...option.options.flatMap((inner) => optionLines(inner, `${indent}  `))];
}

function optionWords(option: Dhcpv6Option): string {
  switch (option.kind) {
    case "client-id":
    case "server-id":
      return option.duid;
    case "ia-na":
    case "ia-pd":
      return `${option.iaid}, ${timesWords(option)}`;
    case "ia-address":
      return `${option.address}, ${lifetimePair(option)}`;
    case "ia-prefix":
      return `${option.prefix}, ${lifetimePair(option)}`;
    case "pd-exclude":
      return option.prefix;
    case "oro":
      return option.codes.map(codeName).join(" ");
    case "preference":
      return String(option.value);
    case "elapsed-time":
      return `${option.hundredths / 100} s`;
    case "status-code":
      return statusWords(option);
    case "dns-servers":
    case "sntp-servers":
      return option.addresses.join(" ");
    case "domain-list":
      return option.domains.join(" ");
    case "ntp-server":
      return option.servers.map((server) => (server.kind === "name" ? server.name : server.address)).join(" ");
    case "information-refresh-time":
    case "sol-max-rt":
    case "inf-max-rt":
      return lifetimeWords(option.time);
    case "captive-portal":
      return option.uri;
    case "client-fqdn":
      return `${JSON.stringify(option.labels.join("."))}, flags ${option.flags}`;
    case "reconfigure-message":
      return `answer with message ${option.messageType}`;
    case "auth":
      return `protocol ${option.protocol}, algorithm ${option.algorithm}, replay ${option.replay}`;
    case "vendor-class":
    case "vendor-opts":
      return `enterprise ${option.enterprise}`;
    case "relay-message":
      return `${option.message.length} octets`;
    case "unknown":
    case "malformed":
      return `${codeName(option.code)}, ${option.data.length} octets`;
    case "rapid-commit":
    case "reconfigure-accept":
    case "addr-reg-enable":
      return "";
  }
}

function codeName(code: number): string {
  return Object.entries(OPTION_CODES).find(([, known]) => known === code)?.[0] ?? FURTHER_CODES[code] ?? String(code);
}
