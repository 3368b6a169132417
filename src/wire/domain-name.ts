/** Domain names as RFC 1035 3.1 labels without compression, as DHCPv6 (RFC 8415 section 10) and router advertisements (RFC 8106) carry them. */
import { type Reader, WireError, type Writer } from "./bytes.ts";

const LABEL = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const LONGEST_NAME = 255;

/**
 * Reads one name up to and including its root label; the result has no final dot. Only letters, digits, "-" and "_" are accepted in labels:
 * names end in configuration files. The root alone gives "".
 * @throws WireError
 */
export function decodeDomainName(reader: Reader): string {
  const start = reader.offset;
  const labels: string[] = [];
  for (let length = reader.uint8(); length > 0; length = reader.uint8()) {
    if (length > 63) throw new WireError("a label has at most 63 octets", reader.offset - 1);
    const label = String.fromCharCode(...reader.bytes(length));
    if (!LABEL.test(label)) throw new WireError("a label has an unusable character", reader.offset - length);
    labels.push(label);
  }
  if (reader.offset - start > LONGEST_NAME) throw new WireError("a name has at most 255 octets", start);
  return labels.join(".");
}

/** The same where the root alone makes no sense. @throws WireError */
export function decodeNameBelowRoot(reader: Reader): string {
  const name = decodeDomainName(reader);
  if (name === "") throw new WireError("the root is no name of a domain", reader.offset - 1);
  return name;
}

/** Labels of a name that may be only the beginning of one, of any octets. */
export interface PartialName {
  readonly labels: readonly string[];
  /** It ends in the root. */
  readonly whole: boolean;
}

/** Reads the labels up to the root or, without one, to the end (RFC 4704 4.2). @throws WireError */
export function decodePartialName(reader: Reader): PartialName {
  const labels: string[] = [];
  while (reader.left > 0) {
    const length = reader.uint8();
    if (length === 0) return { labels, whole: true };
    if (length > 63) throw new WireError("a label has at most 63 octets", reader.offset - 1);
    labels.push(String.fromCharCode(...reader.bytes(length)));
  }
  return { labels, whole: false };
}

/** Writes what `decodePartialName` reads. @throws RangeError for a label that is empty or longer than 63 octets */
export function encodePartialName(writer: Writer, { labels, whole }: PartialName): void {
  for (const label of labels) {
    if (label.length === 0 || label.length > 63) throw new RangeError(`not a label: ${label}`);
    writer.uint8(label.length).bytes(Uint8Array.from(label, (letter) => letter.charCodeAt(0)));
  }
  if (whole) writer.uint8(0);
}

/** Writes a name, with or without final dot, and its root label. @throws RangeError when it is no domain name. */
export function encodeDomainName(writer: Writer, name: string): void {
  const labels = name.replace(/\.$/, "").split(".");
  if (!labels.every((label) => LABEL.test(label)) || name.length > LONGEST_NAME - 2) throw new RangeError(`not a domain name: ${name}`);
  for (const label of labels) {
    writer.uint8(label.length).bytes(Uint8Array.from(label, (letter) => letter.charCodeAt(0)));
  }
  writer.uint8(0);
}
