/** What a lease of IPv4 brings with it, in all the ways in which a server may write it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ip4 } from "../../src/addr/ip.ts";
import { prefix4 } from "../../src/addr/prefix4.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { Writer } from "../../src/wire/bytes.ts";
import { type Dhcpv4Option, optionOf } from "../../src/wire/dhcpv4.ts";
import { encodeOption } from "../../src/wire/dhcpv4-options.ts";
import { addressesOf, LEASED, PROVIDER, scriptedDhcpv4, WITH_IPV4 } from "./scripted-dhcpv4.ts";

const OTHER_ROUTER = ip4("100.64.0.77");
const LAST_ROUTE = "10.200.39.0/24";
/** More than two options can hold. */
const ROUTES = Array.from({ length: 40 }, (_none, i) => ({ destination: prefix4(`10.200.${i}.0/24`), router: OTHER_ROUTER }));
const EVERYTHING: readonly Dhcpv4Option[] = [
  { kind: "subnet-mask", length: 10 },
  { kind: "routers", addresses: [ip4("100.64.0.66")] },
  { kind: "resolvers", addresses: [ip4("9.9.9.9"), ip4("149.112.112.112")] },
  { kind: "domain-name", text: "customers.example" },
  { kind: "mtu", octets: 1400 },
  { kind: "ntp-servers", addresses: [ip4("100.64.0.123")] },
  { kind: "renewal-time", time: 100 as Seconds },
  { kind: "rebinding-time", time: 200 as Seconds },
  { kind: "domain-search", domains: ["one.example", "two.example"] },
  { kind: "classless-routes", routes: [{ destination: prefix4("0.0.0.0/0"), router: PROVIDER }, ...ROUTES] },
];

const [SERVER_NAME_AT, FILE_AT, OPTIONS_AT] = [44, 108, 240];
const OVERLOAD = 52;

/** Without the code and the length of each piece. */
function unsplit(bytes: Uint8Array): Uint8Array {
  const parts: number[] = [];
  for (let at = 0; at < bytes.length; at += 2 + bytes[at + 1]!) parts.push(...bytes.subarray(at + 2, at + 2 + bytes[at + 1]!));
  return Uint8Array.from(parts);
}

/** Each option in pieces of at most so many octets, and all first pieces before the second ones: RFC 3396 joins them by their order alone. */
function inPieces(options: readonly Dhcpv4Option[], size: number): readonly Dhcpv4Option[] {
  const pieces = options.flatMap((option) => {
    const bytes = new Writer();
    encodeOption(bytes, option);
    const [data, code] = [unsplit(bytes.finish()), bytes.finish()[0]!];
    return Array.from({ length: Math.ceil(data.length / size) }, (_none, turn) => ({
      turn,
      code,
      data: data.subarray(turn * size, (turn + 1) * size),
    }));
  });
  return pieces.toSorted((a, b) => a.turn - b.turn).map(({ code, data }) => ({ kind: "unknown", code, data }));
}

/** Puts the message's options where RFC 2132 9.3 allows them too: as many as fit into the fields of the server's name and the file. */
function overloaded(options: readonly Dhcpv4Option[]): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => {
    const [first, second] = [new Writer(), new Writer()];
    for (const option of options) {
      const writer = option.kind === "domain-search" || option.kind === "domain-name" ? second : first;
      encodeOption(writer, option);
    }
    const out = Uint8Array.from(bytes);
    out.set([...second.finish(), 255], SERVER_NAME_AT);
    out.set([...first.finish(), 255], FILE_AT);
    const own = bytes.subarray(OPTIONS_AT);
    return Uint8Array.of(...out.subarray(0, OPTIONS_AT), OVERLOAD, 1, 3, ...own);
  };
}

const routesOf = (home: Home): Promise<string> => home.gateway.exec("ip", "-4", "route", "show", "dev", "wan");

async function assertEverything(home: Home, routes = true): Promise<void> {
  const { lease } = (await home.status()).ipv4!;
  assert.deepEqual([lease?.mtu, lease?.resolvers, lease?.routers], [1400, ["9.9.9.9", "149.112.112.112"], [PROVIDER]]);
  assert.ok(lease!.renewIn! > 80 && lease!.renewIn! <= 100, `${lease?.renewIn}`);
  const text = readFileSync(join(home.directory, "state", "dhcpv4-client.json"), "utf8");
  assert.match(text, /"searchDomains":\["one\.example","two\.example"\],"ntpServers":\["100\.64\.0\.123"\]/);
  const shown = await routesOf(home);
  assert.match(shown, /^default via 100\.64\.0\.1 .*mtu 1400/m);
  assert.doesNotMatch(shown, /100\.64\.0\.66/, "classless routes make the router void");
  if (routes) assert.match(shown, new RegExp(`^${LAST_ROUTE} via ${OTHER_ROUTER} `, "m"));
}

describe("options of a lease of IPv4", { concurrency: true }, () => {
  async function lease(options: readonly Dhcpv4Option[], bytes?: (bytes: Uint8Array) => Uint8Array) {
    const home = await createHome({ isp: "none" });
    const provider = scriptedDhcpv4(home);
    await home.startSkylan(WITH_IPV4);
    await provider.lease({ options, ...(bytes && { bytes }) });
    return { home, [Symbol.asyncDispose]: async () => (provider[Symbol.dispose](), await home[Symbol.asyncDispose]()) };
  }

  test("[V4C-6] all that is known is used, and classless routes make the router void", async () => {
    await using scene = await lease(EVERYTHING);
    await assertEverything(scene.home);
  });

  test("[V4C-6] options in pieces among each other are joined, in a message of more than 576 octets", async () => {
    const pieces = inPieces(EVERYTHING, 200);
    assert.ok(pieces.length > EVERYTHING.length);
    await using scene = await lease(pieces);
    await assertEverything(scene.home);
  });

  test("[V4C-6] options in the fields of the file and of the server's name are read", async () => {
    const few = EVERYTHING.map((option) =>
      option.kind === "classless-routes" ? { ...option, routes: option.routes.slice(0, 3) } : option,
    );
    await using scene = await lease([], overloaded(few));
    await assertEverything(scene.home, false);
    assert.match(await routesOf(scene.home), /^10\.200\.1\.0\/24 via 100\.64\.0\.77 /m);
  });

  test("[V4C-6] the client asks for all of them; an MTU below 576 is none, and a route into a LAN neither", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedDhcpv4(home);
    await home.startSkylan(WITH_IPV4);
    const asked = await provider.next("discover");
    const codes = optionOf(asked.message, "parameter-list")!.codes;
    assert.deepEqual(
      [1, 3, 6, 15, 26, 42, 119, 121].filter((code) => !codes.includes(code)),
      [],
    );
    assert.ok(codes.indexOf(121) < codes.indexOf(3), "RFC 3442: classless routes before routers");
    assert.ok(optionOf(asked.message, "max-size")!.octets >= 576);
    const options: readonly Dhcpv4Option[] = [
      { kind: "subnet-mask", length: 10 },
      { kind: "mtu", octets: 575 },
      {
        kind: "classless-routes",
        routes: [
          { destination: prefix4("0.0.0.0/0"), router: PROVIDER },
          { destination: prefix4("192.168.0.0/16"), router: OTHER_ROUTER },
        ],
      },
    ];
    provider.answer(asked, { options });
    provider.answer(await provider.next("request"), { options });
    await home.until(async () => (await addressesOf(home)).includes(LEASED), { within: 5000, what: "the lease is used" });
    const shown = await routesOf(home);
    assert.match(shown, /^default via 100\.64\.0\.1 /m);
    assert.doesNotMatch(shown, /mtu|192\.168\.0\.0/);
  });
});
