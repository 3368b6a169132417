/** The tables of the schema about DHCPv4 on the LANs, and about devices that have a name and an address by the owner. */
import * as v from "valibot";
import { parseDuid } from "../addr/duid.ts";
import { parseIp4 } from "../addr/ip.ts";
import { parseMac } from "../addr/mac.ts";
import { parseRange4 } from "../addr/range4.ts";
import { flag, integer, text } from "./schema-fields.ts";

/** RFC 2132 9.14: at least 2 octets; an option of more than 255 octets is no identifier. */
const CLIENT_ID = /^[0-9a-f]{2}(:?[0-9a-f]{2}){1,254}$/i;
const YEAR = 31_536_000;

export const dhcp = v.pipe(
  v.strictObject({
    enabled: v.optional(
      flag("Whether skylan gives IPv4 addresses to the devices of this LAN. Another DHCP server on the LAN must then be off."),
      true,
    ),
    pool: v.optional(
      text(
        `two addresses joined by "-", such as "192.168.1.100-192.168.1.249"`,
        (value) => parseRange4(value) !== undefined,
        "The first and the last address that devices get. Without this key: 192.168.1.100 to .249 of a /24, and the same part of other networks.",
        "192.168.1.100-192.168.1.249",
      ),
    ),
    lease: v.optional(
      integer(120, YEAR, " of seconds", "For how long an address is given. Devices renew it after half of that time."),
      43_200,
    ),
  }),
  v.description("The DHCP server for IPv4 on this LAN, where it has IPv4."),
);

export const device = v.pipe(
  v.strictObject({
    mac: v.optional(
      text("a MAC address", (value) => parseMac(value) !== undefined, "The device's hardware address on this LAN.", "b8:27:eb:12:34:56"),
    ),
    client_id: v.optional(
      text(
        "at least two octets in hexadecimal, optionally joined by colons",
        (value) => CLIENT_ID.test(value),
        "The identifier by which the device asks for IPv4 (DHCP option 61), where its hardware address changes.",
        "ff:12:34:56:78:00:01:00:01",
      ),
    ),
    duid: v.optional(
      text(
        "a DUID: 3 to 130 octets in hexadecimal, optionally joined by colons",
        (value) => parseDuid(value) !== undefined,
        "The identifier by which the device asks for IPv6 (DHCPv6).",
        "00:03:00:01:b8:27:eb:12:34:56",
      ),
    ),
    ipv4: v.optional(
      text(
        "an IPv4 address",
        (value) => parseIp4(value) !== undefined,
        "The address that this device alone gets by DHCP. It may lie within the pool or beside it.",
        "192.168.1.10",
      ),
    ),
  }),
  v.description(
    "A device at home, by its name: lower-case letters, digits and `-`. It is known by one of `mac`, `client_id` and `duid` at least.",
  ),
);
