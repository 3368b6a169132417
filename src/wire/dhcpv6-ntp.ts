/** Suboptions of the DHCPv6 NTP server option, RFC 5908 section 4. */
import { type Reader, Writer } from "./bytes.ts";
import type { NtpServer } from "./dhcpv6-options.ts";
import { decodeNameBelowRoot, encodeDomainName } from "./domain-name.ts";

const ADDRESS = 1;
const MULTICAST = 2;
const NAME = 3;

/** Reads one suboption; an unknown one gives nothing. @throws WireError */
export function decodeNtpServer(reader: Reader): readonly NtpServer[] {
  const type = reader.uint16();
  const content = reader.nested(reader.uint16());
  switch (type) {
    case ADDRESS:
      return [{ kind: "address", address: content.ip6() }];
    case MULTICAST:
      return [{ kind: "multicast", address: content.ip6() }];
    case NAME:
      return [{ kind: "name", name: decodeNameBelowRoot(content) }];
    default:
      return [];
  }
}

/** Writes one suboption. @throws RangeError when a name is none. */
export function encodeNtpServer(writer: Writer, server: NtpServer): void {
  const content = new Writer();
  if (server.kind === "name") encodeDomainName(content, server.name);
  else content.ip6(server.address);
  writer.uint16(server.kind === "name" ? NAME : server.kind === "address" ? ADDRESS : MULTICAST);
  writer.uint16(content.length).bytes(content.finish());
}
