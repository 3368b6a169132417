/** What hosts learn by DHCPv6 beside their leases, and what they say of themselves. */
// Needs: dhclient, dhcpcd, /lib/systemd/systemd-networkd
import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6 } from "../../src/addr/ip.ts";
import { createHome } from "../../src/lab/home.ts";
import { startDhclient, startDhcpcd, startNetworkd } from "../fixtures/dhcpv6-clients.ts";
import { scriptedProvider } from "../scripted/scripted-provider.ts";

/** SIP servers by address, RFC 3319. */
const SIP = { kind: "unknown", code: 22, data: Uint8Array.from([0x26, 5, 0x59, 0xc8, ...new Uint8Array(11), 0x51]) } as const;
const TIME = { kind: "ntp-server", servers: [{ kind: "address", address: ip6("2605:59c8::123") }] } as const;

test("[D6S-1] [D6S-2] hosts that want no lease get resolvers and search domains from us, time and SIP servers from the provider", async () => {
  await using home = await createHome({
    isp: "none",
    lans: [{ name: "home", interface: "lan", hosts: ["dhclient", "networkd", "dhcpcd"] }],
  });
  using provider = scriptedProvider(home);
  provider.serve({ options: [SIP, TIME, { kind: "domain-list", domains: ["isp.example"] }] });
  await home.startSkylan({ lan: { home: { "advertise.search_domains": ["home.arpa"] } } });
  await home.until(async () => (await home.status()).delegations.length > 0, { within: 30_000, what: "a prefix is delegated" });
  const [, networkd] = await Promise.all([
    startDhclient(home.host("dhclient"), "-S"),
    startNetworkd(home.host("networkd")),
    startDhcpcd(home.host("dhcpcd"), "inform6"),
  ]);
  const knows = async (host: string, command: string, wanted: readonly RegExp[]): Promise<void> => {
    const told = (): Promise<string> => home.host(host).exec("sh", "-c", command);
    const dump = async (): Promise<string> => `${host} was told\n${(await home.host(host).attempt("sh", "-c", command)).stdout}`;
    await home.until(
      async () => {
        const text = await told();
        return wanted.every((each) => each.test(text));
      },
      { within: 20_000, what: `${host} knows all of it`, dump },
    );
  };
  await knows("dhclient", "cat /run/told", [
    /dhcp6_name_servers=.*2606:4700:4700::1111/,
    /domain_search=home\.arpa/,
    /sip_servers_addresses=2605:59c8::51/,
    /dhcp6_time=0:1:0:10:26:5:59:c8:/,
  ]);
  // Of such a Reply systemd-networkd says that it has it; what it lists comes from advertisements.
  await networkd.line(/Sent Information Request/, 10_000);
  await networkd.line(/Processed Reply message/, 10_000);
  await knows("dhcpcd", "cat /run/told", [/new_dhcp6_name_servers=.*2606:4700:4700::1111/, /new_dhcp6_domain_search=home\.arpa/]);
  assert.deepEqual((await home.status()).lans[0]!.leased, []);
});

test("[D6S-9] two hosts of one name: the first who comes is shown by it, cleaned, the other by none", async () => {
  await using home = await createHome({ lans: [{ name: "home", interface: "lan", hosts: ["first", "second"] }] });
  await home.startSkylan({ lan: { home: { "dhcpv6.addresses": true } } });
  const names = async () => (await home.status()).lans[0]!.leased.map(({ hostname }) => hostname);
  await startDhcpcd(home.host("first"), "ia_na 1", "hostname TV_Set.example", "fqdn both");
  await home.until(async () => (await names()).length === 1, { within: 30_000, what: "the first has an address" });
  assert.deepEqual(await names(), ["tv-set"]);
  await startDhcpcd(home.host("second"), "ia_na 1", "hostname tv-set", "fqdn both");
  await home.until(async () => (await names()).length === 2, { within: 30_000, what: "the second has one too" });
  assert.deepEqual(await names(), ["tv-set", undefined]);
  assert.match((await home.runSkylan("status")).stdout, /leased +2605:\S+ +for .*, tv-set/);
});
