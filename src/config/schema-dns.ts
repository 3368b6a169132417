/** The table [dns]. */
import * as v from "valibot";
import { isOwnZone, parseUpstream } from "./dns-config.ts";
import { flag, isDomainName, listOf, text } from "./schema-fields.ts";

const domains = (right: string, description: string, ...example: string[]) =>
  listOf(text("a domain name", isDomainName, "With or without its final dot.", example[0]!), right, description, ...example);

export const dns = v.pipe(
  v.strictObject({
    enabled: v.optional(
      flag(
        "Whether this box answers the names that devices ask for, itself included. Devices are then told to ask it, and no longer the provider's resolvers.",
      ),
      false,
    ),
    zone: v.optional(
      text(
        `a domain that is yours, such as "home.arpa"`,
        (value) => isDomainName(value) && isOwnZone(value),
        "The domain of the devices' names. It is answered here and never asked for outside. `home.arpa` is made for this (RFC 8375).",
        "home.arpa",
      ),
      "home.arpa",
    ),
    upstreams: v.optional(
      listOf(
        text(
          `a resolver, such as "9.9.9.9", "tls://1.1.1.1#cloudflare-dns.com" or "https://dns.google/dns-query#8.8.8.8"`,
          (value) => parseUpstream(value) !== undefined,
          "An address (`9.9.9.9`, `2620:fe::fe`, with `#5353` for another port), DNS over TLS (`tls://ADDRESS#NAME`), or DNS over HTTPS (`https://NAME/PATH#ADDRESS`).",
          "tls://1.1.1.1#cloudflare-dns.com",
        ),
        "a list of resolvers",
        "Who is asked for the names of the internet. Without this key: the provider's resolvers, as RA, DHCPv6 and DHCPv4 name them.",
        "tls://1.1.1.1#cloudflare-dns.com",
        "9.9.9.9",
      ),
    ),
    rebind_exceptions: v.optional(
      domains(
        "a list of domain names",
        "Names of the internet, with all below them, that may point to addresses within the home. All others may not (DNS rebinding).",
        "plex.direct",
      ),
      [],
    ),
    forwarded_zones: v.optional(
      domains(
        "a list of domain names",
        "Locally served zones (RFC 6303), such as the reverse names of private networks, that are asked for outside all the same.",
        "10.in-addr.arpa",
      ),
      [],
    ),
  }),
  v.description("Names: a resolver for the home, with a cache."),
);
