/** Neighbor Discovery messages in words: one line with what matters, and a line for each option. */
import { lifetimePair, lifetimeWords } from "./lifetime-words.ts";
import type { NdpMessage, NdpOption, PrefixInformation, RouterAdvertisement } from "./ndp.ts";

const NAMES: Record<NdpMessage["kind"], string> = {
  "router-solicitation": "RS",
  "router-advertisement": "RA",
  "neighbor-solicitation": "NS",
  "neighbor-advertisement": "NA",
  redirect: "Redirect",
};

/** The message's short name. */
export function ndpName(message: NdpMessage): string {
  return NAMES[message.kind];
}

/** What matters in a message, on one line; "" when it only asks. */
export function ndpWords(message: NdpMessage): string {
  switch (message.kind) {
    case "router-solicitation":
      return "";
    case "router-advertisement":
      return advertisementWords(message);
    case "neighbor-solicitation":
      return `who has ${message.target}?`;
    case "neighbor-advertisement": {
      const flags = [message.router && "router", message.solicited && "solicited", message.override && "override"].filter(Boolean);
      return `${message.target} is here${flags.length > 0 ? ` (${flags.join(", ")})` : ""}`;
    }
    case "redirect":
      return message.target === message.destination
        ? `${message.target} is on this link`
        : `for ${message.destination} use ${message.target}`;
  }
}

/** Each option as a line. */
export function ndpOptionLines(message: NdpMessage): string[] {
  return message.options.map((option) => `${option.kind} ${optionWords(option)}`);
}

function advertisementWords(message: RouterAdvertisement): string {
  const words = [routerWords(message), `M=${Number(message.managed)} O=${Number(message.other)}`];
  for (const option of message.options) {
    if (option.kind === "prefix-information") words.push(prefixWords(option));
    if (option.kind === "route-information") words.push(`route ${option.prefix} ${lifetimeWords(option.lifetime)}`);
    if (option.kind === "rdnss") words.push(`DNS ${option.addresses.join(" ")} ${lifetimeWords(option.lifetime)}`);
    if (option.kind === "dnssl") words.push(`search ${option.domains.join(" ")} ${lifetimeWords(option.lifetime)}`);
    if (option.kind === "mtu") words.push(`MTU ${option.mtu}`);
    if (option.kind === "pref64") words.push(`NAT64 ${option.prefix} ${lifetimeWords(option.lifetime)}`);
    if (option.kind === "captive-portal") words.push(`portal ${option.uri}`);
  }
  return words.join("; ");
}

function routerWords({ routerLifetime, preference }: RouterAdvertisement): string {
  if (routerLifetime === 0) return "no default router";
  return `default router ${routerLifetime} s${preference === "medium" ? "" : ` (${preference} preference)`}`;
}

function prefixWords(option: PrefixInformation): string {
  const missing = [!option.onLink && "not on-link", !option.autonomous && "not autonomous"].filter(Boolean);
  return `${option.prefix} ${lifetimePair(option)}${missing.length > 0 ? ` (${missing.join(", ")})` : ""}`;
}

function optionWords(option: NdpOption): string {
  switch (option.kind) {
    case "source-link-layer-address":
    case "target-link-layer-address":
      return option.mac;
    case "prefix-information":
      return `${option.prefix}, L=${Number(option.onLink)} A=${Number(option.autonomous)}, ${lifetimePair(option)}`;
    case "redirected-header":
      return `${option.packet.length} octets`;
    case "mtu":
      return String(option.mtu);
    case "nonce":
      return `${option.nonce.length} octets`;
    case "route-information":
      return `${option.prefix}, ${option.preference} preference, ${lifetimeWords(option.lifetime)}`;
    case "rdnss":
      return `${option.addresses.join(" ")}, ${lifetimeWords(option.lifetime)}`;
    case "dnssl":
      return `${option.domains.join(" ")}, ${lifetimeWords(option.lifetime)}`;
    case "captive-portal":
      return option.uri;
    case "pref64":
      return `${option.prefix}, ${lifetimeWords(option.lifetime)}`;
    case "unknown":
      return `type ${option.type}, ${option.content.length + 2} octets`;
  }
}
