/**
 * Domain names in DNS messages: labels and compression of RFC 1035 3.1 and 4.1.4, the text form with the escapes of RFC 1035 5.1 and RFC 4343 2.1.
 * Names keep the case in which they came; comparing is what ignores it.
 */
import { WireError, type Writer } from "./bytes.ts";

/** A name as text without final dot, "" for the root. Dots and backslashes within labels, and what cannot be printed, are escaped. */
export type DnsName = string;

const POINTER = 0xc0;
/** A pointer has 14 bits. */
const FARTHEST = 0x3fff;
const LONGEST_LABEL = 63;
const LONGEST_NAME = 255;
const [DOT, BACKSLASH] = [0x2e, 0x5c];

/**
 * The octets of the name at `start`, without pointers and with its root label, and where what follows it begins. Pointers lead backwards only, so
 * that there is an end. @throws WireError
 */
export function nameOctets(message: Uint8Array, start: number): { readonly octets: Uint8Array; readonly next: number } {
  const octets: number[] = [];
  let next: number | undefined;
  for (let at = start, limit = start; ; ) {
    const length = message[at];
    if (length === undefined) throw new WireError("a name has no end", at);
    if (length <= LONGEST_LABEL) {
      if (at + length >= message.length) throw new WireError("a label has no end", at);
      for (let i = 0; i <= length; i++) octets.push(message[at + i]!);
      at += 1 + length;
      if (octets.length > LONGEST_NAME) throw new WireError("a name has at most 255 octets", start);
      if (length === 0) return { octets: Uint8Array.from(octets), next: next ?? at };
      continue;
    }
    if (length < POINTER) throw new WireError("a label has at most 63 octets", at);
    const low = message[at + 1];
    if (low === undefined) throw new WireError("a pointer has no end", at);
    const target = ((length & 0x3f) << 8) | low;
    if (target >= limit) throw new WireError("a pointer must lead backwards", at);
    next ??= at + 2;
    at = limit = target;
  }
}

/** Reads the name at `start`. @throws WireError */
export function decodeName(message: Uint8Array, start: number): { readonly name: DnsName; readonly next: number } {
  const { octets, next } = nameOctets(message, start);
  return { name: formatName(octets), next };
}

/** The text of a name given by its uncompressed octets, which must be a name. */
export function formatName(octets: Uint8Array): DnsName {
  let text = "";
  for (let at = 0; octets[at] !== 0; at += 1 + octets[at]!) {
    if (at > 0) text += ".";
    for (let i = at + 1; i <= at + octets[at]!; i++) text += formatOctet(octets[i]!);
  }
  return text;
}

/** The uncompressed octets of a name, with or without final dot; undefined when the text is no name. */
export function parseName(text: string): Uint8Array | undefined {
  const octets: number[] = [];
  for (const label of labelsOf(text)) {
    const read = parseLabel(label);
    if (!read || read.length === 0 || read.length > LONGEST_LABEL) return undefined;
    octets.push(read.length, ...read);
  }
  octets.push(0);
  return octets.length > LONGEST_NAME ? undefined : Uint8Array.from(octets);
}

/** The labels of a name in their text form, first the leftmost. The root has none. */
export function labelsOf(name: DnsName): readonly string[] {
  const labels: string[] = [];
  let from = 0;
  for (let at = 0; at < name.length; at++) {
    if (name[at] === "\\") at++;
    else if (name[at] === ".") {
      labels.push(name.slice(from, at));
      from = at + 1;
    }
  }
  // What follows a final dot is the root.
  return from < name.length ? [...labels, name.slice(from)] : labels;
}

/** The name below which `name` stands; undefined for the root. */
export function parentOf(name: DnsName): DnsName | undefined {
  return name === "" ? undefined : labelsOf(name).slice(1).join(".");
}

/** The form in which names are compared: A to Z in lower case (RFC 4343). */
export function lowerName(name: DnsName): DnsName {
  return name.toLowerCase();
}

export function isSameName(a: DnsName, b: DnsName): boolean {
  return a === b || lowerName(a) === lowerName(b);
}

/** Whether `name` is `zone` or lies below it. */
export function isWithin(name: DnsName, zone: DnsName): boolean {
  if (zone === "") return true;
  const [inner, outer] = [lowerName(name), lowerName(zone)];
  return inner === outer || (inner.endsWith(`.${outer}`) && !endsEscaped(inner.slice(0, -outer.length - 1)));
}

/** Where names have been written in a message, by their text. */
export type NamePlaces = Map<DnsName, number>;

/** Writes a name; with `places` it ends in a pointer where its end was written before in the same case. @throws RangeError when it is no name. */
export function encodeName(writer: Writer, name: DnsName, places?: NamePlaces): void {
  const octets = parseName(name);
  if (!octets) throw new RangeError(`not a domain name: ${name}`);
  if (!places) return void writer.bytes(octets);
  for (let at = 0; octets[at] !== 0; at += 1 + octets[at]!) {
    const rest = formatName(octets.subarray(at));
    const place = places.get(rest);
    if (place !== undefined) return void writer.uint16((POINTER << 8) | place);
    if (writer.length <= FARTHEST) places.set(rest, writer.length);
    writer.bytes(octets.subarray(at, at + 1 + octets[at]!));
  }
  writer.uint8(0);
}

function formatOctet(octet: number): string {
  if (octet === DOT || octet === BACKSLASH) return `\\${String.fromCharCode(octet)}`;
  return octet > 0x20 && octet < 0x7f ? String.fromCharCode(octet) : `\\${String(octet).padStart(3, "0")}`;
}

function parseLabel(label: string): number[] | undefined {
  const octets: number[] = [];
  for (const [, code, escaped, plain] of label.matchAll(/\\(\d{3})|\\(.)|([^\\])/gsu)) {
    const octet = code === undefined ? (escaped ?? plain)!.codePointAt(0)! : Number(code);
    if (octet > (code === undefined ? 0x7e : 0xff)) return undefined;
    octets.push(octet);
  }
  return octets;
}

/** Whether the dot that follows `text` belongs to its last label. */
function endsEscaped(text: string): boolean {
  return (/\\*$/.exec(text)![0].length & 1) === 1;
}
