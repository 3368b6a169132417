/**
 * The one source of what a config file may hold: the check, the defaults, the JSON Schema for editors and the reference page are all made from it.
 * A field's message says what would be right; what is wrong with it, and where, is added by parse-config.ts.
 */
import * as v from "valibot";
import { isMulticast, parseIp6 } from "../addr/ip.ts";
import { covers, parsePrefix, type Prefix, prefixLength } from "../addr/prefix.ts";
import { parseLanIpv4 } from "./lan-ipv4.ts";
import { parseOpening } from "./opening.ts";
import { device, dhcp } from "./schema-dhcp.ts";
import { dns } from "./schema-dns.ts";
import { forwards } from "./schema-forward.ts";
import { flag, integer, isDomainName, listOf, text } from "./schema-fields.ts";

/** IFNAMSIZ is 16 with the final zero. */
const LONGEST_INTERFACE_NAME = 15;
/** RFC 8910 section 2: the option's length is one octet. */
const LONGEST_URI = 255;
const LOCALLY_ASSIGNED = "fd00::/8" as Prefix;
/** RFC 8781 section 4. */
const PREF64_LENGTHS = [32, 40, 48, 56, 64, 96];

const interfaceName = (description: string, example: string) =>
  text(`the name of a network interface (1 to 15 characters, without "/", ":" and spaces)`, isInterfaceName, description, example);

const openings = (description: string) => {
  const right = `a protocol and a port or a range of ports, such as "tcp/22" or "udp/5000-5010"`;
  const opening = v.pipe(
    v.string(right),
    v.check((value) => parseOpening(value) !== undefined, right),
    v.title(right),
  );
  return listOf(opening, `a list of openings, such as ["tcp/22", "udp/5000-5010"]`, description, "tcp/22", "udp/5000-5010");
};

const wan = v.pipe(
  v.strictObject({
    interface: interfaceName("The interface that leads to the provider.", "eth8"),
    prefix_hint: v.optional(
      integer(48, 64, "", "Length of the prefix that the provider is asked for. Whatever length it then delegates is used."),
      56,
    ),
    request_address: v.optional(
      v.pipe(
        v.picklist(["auto", "always", "never"], `"auto", "always" or "never"`),
        v.title(`"auto", "always" or "never"`),
        v.description(
          "Whether the router asks by DHCPv6 for an address of its own: when the provider's router says so (its M flag), always, or never.",
        ),
      ),
      "auto",
    ),
    temporary_addresses: v.optional(
      flag("The router's own connections use addresses that change daily (RFC 8981). Devices behind it decide that for themselves."),
      false,
    ),
    ipv4: v.optional(
      v.pipe(
        v.picklist(["dhcp", "off"], `"dhcp" or "off"`),
        v.title(`"dhcp" or "off"`),
        v.description(
          "Whether IPv4 is in skylan's hands: an address from the provider by DHCP, one address for all devices (NAT), a closed firewall. `off`: IPv4 is left as it is.",
        ),
      ),
      "off",
    ),
    rapid_commit: v.optional(flag("Offer the provider's server to answer with two messages in place of four (RFC 8415 18.2.1)."), false),
  }),
  v.description("The link to the provider."),
);

const advertise = v.pipe(
  v.strictObject({
    max_interval: v.optional(
      integer(4, 1800, " of seconds", "Longest time between two advertisements. It is shortened when the provider's prefix lives shortly."),
      300,
    ),
    min_interval: v.optional(
      integer(
        3,
        1350,
        " of seconds",
        "Shortest time between two unasked advertisements, at most three quarters of `max_interval`. Without this key: a third of it.",
      ),
    ),
    other_information: v.optional(flag("Tell devices that DHCPv6 has further information (the O flag, RFC 4861 4.2)."), true),
    resolvers: v.optional(
      listOf(
        text("the IPv6 address of a DNS resolver", isResolver, "Any address but a multicast one.", "2606:4700:4700::1111"),
        "a list of IPv6 addresses",
        "DNS resolvers for the devices. Without this key: this box where it resolves names (see [dns]), or else those of the provider.",
        "2606:4700:4700::1111",
      ),
    ),
    search_domains: v.optional(
      listOf(
        text("a domain name", isDomainName, "With or without its final dot.", "home.arpa"),
        "a list of domain names",
        "Where devices look for short names. Without this key: in the zone of `[dns]`, where that is enabled.",
        "home.arpa",
      ),
    ),
    mtu: v.optional(integer(1280, 65535, " of octets", "The longest packet that devices may send on this LAN.")),
    pref64: v.optional(
      text(
        "a prefix of 32, 40, 48, 56, 64 or 96 bits",
        isPref64,
        "The prefix behind which a NAT64 reaches IPv4 (RFC 8781). Only where one works.",
        "64:ff9b::/96",
      ),
    ),
    captive_portal: v.optional(
      text(
        "an https URI of at most 255 octets",
        isCaptivePortal,
        "The captive portal's API (RFC 8910), for networks that have one.",
        "https://portal.example/api",
      ),
    ),
  }),
  v.description("What devices of this LAN are told in router advertisements."),
);

const dhcpv6 = v.pipe(
  v.strictObject({
    addresses: v.optional(
      flag(
        "Lease addresses by DHCPv6 too (the M flag says so). Devices make themselves addresses as well: most do without DHCPv6, and some know no other way.",
      ),
      false,
    ),
    delegate: v.optional(
      flag("Delegate prefixes to routers behind this one, from what the LANs leave of the provider's (RFC 9818)."),
      true,
    ),
    delegated_length: v.optional(
      integer(
        49,
        64,
        "",
        "Length of the prefixes that are delegated, one for each request. A shorter one serves routers with several LANs.",
      ),
      64,
    ),
  }),
  v.description("The DHCPv6 server of this LAN. Resolvers and search domains, those of `advertise`, are told to whoever asks."),
);

const lan = v.pipe(
  v.strictObject({
    interface: interfaceName("The interface that leads to this LAN's devices. A bridge is one interface.", "eth0"),
    subnet: v.optional(
      integer(
        0,
        65535,
        "",
        "Which /64 of the delegated prefix this LAN has. Without this key: the first free one, kept from then on. Where it does not fit, the LAN has another.",
      ),
    ),
    ipv4: v.optional(
      text(
        `"off", or an address in a private network with its length, such as "192.168.1.1/24"`,
        (value) => value === "off" || parseLanIpv4(value) !== undefined,
        'The router\'s IPv4 address on this LAN, where the WAN has `ipv4 = "dhcp"`. Without this key: the first of 192.168.1.1/24, 192.168.2.1/24 ... that is free. `off`: none.',
        "192.168.1.1/24",
      ),
    ),
    open: v.optional(
      openings("What the internet may open connections to by IPv6, on any device of this LAN: at most 100 new connections a second."),
      [],
    ),
    advertise: v.optional(advertise, {}),
    dhcp: v.optional(dhcp, {}),
    dhcpv6: v.optional(dhcpv6, {}),
  }),
  v.description("A home network. NAME is yours: letters, digits, `-` and `_`."),
);

export const schema = v.strictObject({
  wan,
  lan: v.record(v.string(), lan, "one table for each LAN, such as [lan.home]"),
  device: v.optional(v.record(v.string(), device, "one table for each device, such as [device.printer]"), {}),
  gateway: v.optional(
    v.pipe(
      v.strictObject({ open: v.optional(openings("What the internet may open connections to on this box itself."), []) }),
      v.description("The router itself."),
    ),
    {},
  ),
  forward: v.optional(forwards, []),
  dns: v.optional(dns, {}),
  ula: v.optional(
    v.pipe(
      v.strictObject({
        prefix: v.optional(
          text(
            `"off", "auto" or a /48 below fd00::/8`,
            isUla,
            "Addresses that stay the same whatever the provider does (RFC 4193) and never leave the home. `auto`: a prefix made once at random.",
            "auto",
          ),
          "off",
        ),
      }),
      v.description("Unique local addresses."),
    ),
    {},
  ),
});

/** A checked file, still in the file's own words. */
export type ConfigFile = v.InferOutput<typeof schema>;

function isInterfaceName(name: string): boolean {
  return name.length <= LONGEST_INTERFACE_NAME && /^[\x21-\x7e]+$/.test(name) && !/[/:]/.test(name) && name !== "." && name !== "..";
}

function isResolver(text: string): boolean {
  const address = parseIp6(text);
  return address !== undefined && address !== "::" && !isMulticast(address);
}

function isPref64(text: string): boolean {
  const value = parsePrefix(text);
  return value !== undefined && PREF64_LENGTHS.includes(prefixLength(value));
}

function isCaptivePortal(uri: string): boolean {
  return /^https:\/\/[\x21-\x7e]+$/.test(uri) && uri.length <= LONGEST_URI && URL.canParse(uri);
}

function isUla(text: string): boolean {
  const value = parsePrefix(text);
  return text === "off" || text === "auto" || (value !== undefined && prefixLength(value) === 48 && covers(LOCALLY_ASSIGNED, value));
}
