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

/** Writes a name, with or without final dot, and its root label. @throws RangeError when it is no domain name. */
export function encodeDomainName(writer: Writer, name: string): void {
  const labels = name.replace(/\.$/, "").split(".");
  if (!labels.every((label) => LABEL.test(label)) || name.length > LONGEST_NAME - 2) throw new RangeError(`not a domain name: ${name}`);
  for (const label of labels) {
    writer.uint8(label.length).bytes(Uint8Array.from(label, (letter) => letter.charCodeAt(0)));
  }
  writer.uint8(0);
}
