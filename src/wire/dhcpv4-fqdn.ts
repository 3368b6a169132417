/** The Client FQDN option of DHCPv4 (RFC 4702 section 2): flags, two dead octets, and a name in one of two spellings. */
import { WireError } from "./bytes.ts";

/** RFC 4702 2.1: the server updates A; it has overridden the client's wish; the name is in wire format; no updates at all. */
export const FQDN_FLAG = { S: 1, O: 2, E: 4, N: 8 } as const;

export interface ClientFqdn {
  readonly flags: number;
  /** As sent, whatever is in them; none for an empty name. The final root label is left out. */
  readonly labels: readonly string[];
}

/** @throws WireError when there is no room for the flags; a name that is none has no labels */
export function decodeFqdn(data: Uint8Array): ClientFqdn {
  if (data.length < 3) throw new WireError("flags of a name are missing", 0);
  const flags = data[0]!;
  const name = data.subarray(3);
  return { flags, labels: (flags & FQDN_FLAG.E) === 0 ? asciiLabels(name) : wireLabels(name) };
}

/** RCODE1 and RCODE2 are 255 in a server's answer, RFC 4702 2.2. */
export function encodeFqdn({ flags, labels }: ClientFqdn): Uint8Array {
  const text = labels.join(".");
  const isWire = (flags & FQDN_FLAG.E) !== 0;
  const name = isWire ? labels.flatMap((label) => [label.length, ...octetsOf(label)]) : octetsOf(text);
  return Uint8Array.of(flags, 0xff, 0xff, ...name, ...(isWire && labels.length > 0 ? [0] : []));
}

const octetsOf = (text: string): readonly number[] => Array.from(text, (letter) => letter.charCodeAt(0) & 0xff);

function asciiLabels(name: Uint8Array): readonly string[] {
  const text = String.fromCharCode(...name).replace(/[.\0]+$/, "");
  return text === "" ? [] : text.split(".");
}

/** A name without its root label is a partial one: RFC 4702 2.3.1. Pointers are not allowed. */
function wireLabels(name: Uint8Array): readonly string[] {
  const labels: string[] = [];
  for (let at = 0; at < name.length; ) {
    const length = name[at]!;
    if (length === 0) break;
    if (length > 63 || at + 1 + length > name.length) return [];
    labels.push(String.fromCharCode(...name.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  return labels;
}
