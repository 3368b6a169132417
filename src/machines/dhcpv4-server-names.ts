/**
 * The name that a device gives to itself (option 12; option 81, RFC 4702), made into one clean DNS label or none: it ends in the local zone, where a dot
 * would be another name, and where some names speak for the whole network.
 */
import { type Dhcpv4Message, optionOf } from "../wire/dhcpv4.ts";

/** RFC 6761 6.3; names by which devices look for a proxy (WPAD) and a tunnel (RFC 5214 8.3). */
const SPEAKING_FOR_ALL: readonly string[] = ["localhost", "wpad", "isatap"];
const LONGEST_LABEL = 63;

/** The device's own name, if it is usable. `reserved`: names of others, in lower case. */
export function nameOf(message: Dhcpv4Message, reserved: readonly string[]): string | undefined {
  const fqdn = optionOf(message, "client-fqdn")?.labels[0];
  const hostName = optionOf(message, "host-name")?.text.split(".")[0];
  return cleanLabel(fqdn ?? hostName ?? "", reserved);
}

/** Spaces and underscores become hyphens, accents are dropped, and what then is no label is no name. */
export function cleanLabel(text: string, reserved: readonly string[]): string | undefined {
  if (text === "") return undefined;
  const label = PLAIN.test(text) ? text : plain(text);
  return label === "" || label.length > LONGEST_LABEL || SPEAKING_FOR_ALL.includes(label) || reserved.includes(label) ? undefined : label;
}

/** What needs no cleaning: most. */
const PLAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

function plain(text: string): string {
  if (/[\p{Cc}.\ufffd]/u.test(text)) return "";
  const letters = text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\s_]+/g, "-");
  return letters.replace(/[^a-z0-9-]/g, "").replace(/^-+|-+$/g, "");
}
