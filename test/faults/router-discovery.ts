import type { Fault } from "./fault.ts";

const client = { file: "src/machines/ra-client.ts" };
const discovery = { file: "src/machines/ra-discovery.ts" };
const slaac = { file: "src/machines/slaac.ts" };
const inAsking = (name: string) => ({ file: "src/machines/ra-client-asking.test.ts", name });
const inClient = (name: string) => ({ file: "src/machines/ra-client.test.ts", name });
const inAddresses = (name: string) => ({ file: "src/machines/ra-client-addresses.test.ts", name });
const inDiscovery = (name: string) => ({ file: "src/machines/ra-discovery.test.ts", name });
const inSlaac = (name: string) => ({ file: "src/machines/slaac.test.ts", name });

export const faults: readonly Fault[] = [
  {
    row: "WRA-1",
    breaks: "solicitations are sent before duplicate address detection is done",
    ...client,
    find: "return this.#link.up && this.#link.linkLocal !== undefined;",
    replace: "return this.#link.up;",
    test: inAsking("nothing is sent before the link-local address is free of duplicates"),
  },
  {
    row: "WRA-2",
    breaks: "solicitations end after three, as RFC 4861 alone had it",
    file: "src/machines/ra-solicitation.ts",
    find: "if (state.answered || !state.exchange) return silent(greeted);",
    replace: "if (state.answered || !state.exchange || state.exchange.sent === 2) return silent(greeted);",
    test: inAsking("a silent provider is asked after 0 to 1 s"),
  },
  {
    row: "WRA-3",
    breaks: "advertisements from beyond the link are believed",
    ...client,
    find: "if (!isLinkLocal(from) || hopLimit !== 255) return undefined;",
    replace: "if (!isLinkLocal(from)) return undefined;",
    test: inClient("an advertisement that breaks one rule is ignored silently"),
  },
  {
    row: "WRA-4",
    breaks: "an advertisement without router lifetime is thrown away with its prefixes",
    ...client,
    find: 'return message?.kind === "router-advertisement" ?',
    replace: 'return message?.kind === "router-advertisement" && message.routerLifetime > 0 ?',
    test: inClient("a lifetime of 0 removes the router at once"),
  },
  {
    row: "RA-11",
    breaks: "a router that does not answer is one again when it advertises itself",
    file: "src/machines/router-reachability.ts",
    find: "return { ...own, probeAt: earliest(own.probeAt, latest(now, allowedAt))! };",
    replace: "return { ...own, backSince: latest(now, allowedAt) };",
    test: { file: "src/machines/router-reachability.test.ts", name: "is lost once, and its advertisements do not bring it back" },
  },
  {
    row: "WRA-5",
    breaks: "one packet can end an address at once",
    ...slaac,
    find: "return sooner(held, bound);",
    replace: "return offered;",
    test: inSlaac("the two-hour rule"),
  },
  {
    row: "WRA-6",
    breaks: "every advertised prefix counts as on-link",
    ...discovery,
    find: "const found = onLink ? [{ prefix, until: deadline(now, valid) }] : [];",
    replace: "const found = onLink || valid > 0 ? [{ prefix, until: deadline(now, valid) }] : [];",
    test: inDiscovery("L set makes an on-link prefix"),
  },
  {
    row: "WRA-7",
    breaks: "a duplicate address stays in use until it is replaced",
    ...client,
    find: "const usable = addresses.filter((own) => own.replaceAt === undefined);",
    replace: "const usable = addresses;",
    test: inAddresses("a duplicate address is given up at once"),
  },
  {
    row: "WRA-8",
    breaks: "the identifier is the same on every prefix, so that it can be followed",
    file: "src/machines/stable-iid.ts",
    find: "...ip6ToBytes(prefixAddress(prefix)).subarray(0, 8)",
    replace: "...ip6ToBytes(prefixAddress(prefix)).subarray(8)",
    test: inAddresses("after a restart the address of a prefix is the same"),
  },
  {
    row: "WRA-12",
    breaks: "an MTU below IPv6's least is taken",
    ...discovery,
    find: "const LEAST_MTU = 1280;",
    replace: "const LEAST_MTU = 576;",
    test: inDiscovery("the MTU option counts from 1280"),
  },
  {
    row: "WRA-13",
    breaks: "a resolver with lifetime 0 is kept for ever",
    ...discovery,
    find: "if (item.until > now) byKey.set(key(item), item);",
    replace: "if (item.until >= now) byKey.set(key(item), item);",
    test: inDiscovery("resolvers and search domains live as long as they say"),
  },
  {
    row: "WRA-14",
    breaks: "announcements override what a router knows for sure",
    file: "src/machines/neighbor-announcer.ts",
    find: "override: false,",
    replace: "override: true,",
    test: { file: "src/machines/neighbor-announcer.test.ts", name: "a new address is announced to all routers three times" },
  },
];
