/** The tables of the schema about ports of the provider's IPv4 address that lead to devices. */
import * as v from "valibot";
import { parseOpening } from "./opening.ts";
import { parseSource } from "./port-forward.ts";
import { integer, text } from "./schema-fields.ts";

export const forward = v.pipe(
  v.strictObject({
    port: text(
      `a protocol and a port or a range of ports, such as "tcp/443" or "udp/5000-5010"`,
      (value) => parseOpening(value) !== undefined,
      "What the internet connects to, on the IPv4 address that the provider leases.",
      "tcp/443",
    ),
    to: text(
      "the name of a device, or an IPv4 address",
      (value) => value !== "",
      "Where it leads: a `[device.NAME]` that has an `ipv4`, or an address in the network of a LAN.",
      "printer",
    ),
    to_port: v.optional(integer(1, 65535, "", "The device's port, where it is another one. Only for a single `port`.")),
    source: v.optional(
      text(
        "an IPv4 address or network",
        (value) => parseSource(value) !== undefined,
        "Who may connect. Without this key: everybody.",
        "198.51.100.0/24",
      ),
    ),
  }),
  v.description(
    'A port forward, for IPv4: any number of these tables, where the WAN has `ipv4 = "dhcp"`. Where the provider shares its addresses (CGNAT) nobody can ' +
      "reach it, which `skylan plan` and `skylan status` then say; by IPv6 the LAN's `open` does the same, and needs no forward.",
  ),
);

export const forwards = v.array(forward, "tables of their own, each headed [[forward]]");
