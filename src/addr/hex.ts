/** Octets as lower-case hexadecimal text, and the way back. */

const PAIRS = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));

/** Two digits for each octet, joined by `joint`. */
export function toHex(bytes: Uint8Array, joint = ""): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += i === 0 ? PAIRS[bytes[i]!]! : joint + PAIRS[bytes[i]!]!;
  return text;
}

/** The octets of trusted hexadecimal text in which `joint` characters stand between two of them. */
export function fromHex(text: string, joint = 0): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(text.length / (2 + joint)));
  for (let i = 0; i < bytes.length; i++) {
    const at = i * (2 + joint);
    bytes[i] = (digit(text.charCodeAt(at)) << 4) | digit(text.charCodeAt(at + 1));
  }
  return bytes;
}

/** 0 to 9 stand before a to f. */
const digit = (code: number): number => (code < 0x3a ? code - 0x30 : (code | 0x20) - 0x57);
