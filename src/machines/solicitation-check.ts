/**
 * A look at a Router Solicitation (RFC 4861 4.1 and 6.1.1) that makes no objects: a flood of them must cost little. It judges as wire/ndp.ts would;
 * a test holds the two together.
 */
const HEADER_LENGTH = 8;
const SOURCE_LINK_LAYER_ADDRESS = 1;

/** Whether a solicitation with these octets is invalid, or else whether it names its sender's link-layer address. */
export function lookAtSolicitation(bytes: Uint8Array): "invalid" | "anonymous" | "with-address" {
  if (bytes.length < HEADER_LENGTH || bytes[1] !== 0) return "invalid";
  let found = false;
  for (let at = HEADER_LENGTH; at < bytes.length; ) {
    const units = bytes[at + 1] ?? 0;
    if (units === 0 || at + 8 * units > bytes.length) return "invalid";
    if (bytes[at] === SOURCE_LINK_LAYER_ADDRESS && units === 1) found = true;
    at += 8 * units;
  }
  return found ? "with-address" : "anonymous";
}
