/** The embedded provider against clients that know nothing of us: dhclient and rdisc6, with tshark reading everything it sends. */
// Needs: rdisc6, dhclient, tcpdump, tshark
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { connect, Link } from "../../src/lab/cable.ts";
import { type Isp, startIsp } from "../../src/lab/isp.ts";
import { Namespace } from "../../src/lab/namespace.ts";
import { STARLINK } from "../../src/lab/provider-profile.ts";
import { until } from "../../src/lab/until.ts";
import { tsharkComplaints } from "./capture-tshark.ts";

interface Customer {
  readonly isp: Isp;
  readonly gateway: Namespace;
  readonly wan: Link;
  readonly directory: string;
}

/** A provider and a customer's Linux on one cable. */
async function connectCustomer(t: TestContext): Promise<Customer> {
  const directory = mkdtempSync("/tmp/skylan-provider-");
  const [room, provider, gateway] = await Promise.all(["cables", "isp", "gw"].map((name) => Namespace.create(name)));
  t.after(async () => {
    await Promise.all([room, provider, gateway].map((each) => each![Symbol.asyncDispose]()));
    rmSync(directory, { recursive: true, force: true });
  });
  const wan = new Link(room!, "wan", [
    { host: provider!, interface: "cust", mac: STARLINK.mac },
    { host: gateway!, interface: "wan" },
  ]);
  await connect(room!, [wan]);
  await provider!.sysctl({ "ipv6/conf/cust/accept_dad": 0, "ipv6/conf/cust/addr_gen_mode": 0 });
  await gateway!.sysctl({ "ipv6/conf/wan/accept_dad": 0 });
  await provider!.ip("link set cust up");
  await gateway!.ip("link set wan up");
  const usable = (host: Namespace) => host.exec("ip", "-6", "addr", "show", "scope", "link", "-tentative");
  for (const host of [provider!, gateway!]) await until(() => usable(host), { within: 5000, what: "the link-local address can be used" });
  const isp = await startIsp("embedded", { namespace: provider!, interface: "cust", directory }, {});
  return { isp, gateway: gateway!, wan, directory };
}

/** Runs dhclient for a delegated prefix until it is bound. */
function askForPrefix({ gateway, directory }: Customer) {
  const files = ["-lf", join(directory, "leases"), "-pf", join(directory, "pid"), "-sf", "/bin/true"];
  return gateway.spawn(["dhclient", "-6", "-P", "-d", "-v", ...files, "wan"]);
}

const routes = ({ isp }: Customer): Promise<string> => isp.namespace.exec("ip", "-6", "route", "show", "dev", "cust");

test("rdisc6 reads the provider's advertisement as that of Starlink", async (t) => {
  const { gateway } = await connectCustomer(t);
  const heard = await until(() => gateway.exec("rdisc6", "-1", "wan"), { within: 10_000, what: "a router answers" });
  assert.match(heard, /Stateful address conf\. +: +No\nStateful other conf\. +: +Yes/);
  assert.match(heard, /Router lifetime +: +300 /);
  assert.match(heard, /Prefix +: 2605:59c8:1:8a00::\/64/);
  assert.match(heard, /from fe80::200:5eff:fe00:101/);
});

test("dhclient gets its prefix out of a broadcast from a global address, the provider routes it, and tshark complains about nothing", async (t) => {
  const customer = await connectCustomer(t);
  const { wan, directory, isp } = customer;
  const capture = await wan.capture(join(directory, "wan.pcap"));
  const dhclient = askForPrefix(customer);
  await dhclient.line(/Bound to lease/, 15_000);
  assert.match(await routes(customer), /^2605:59c8:1200::\/56 via fe80::/m);
  await isp.command({ kind: "renumber", pool: prefix("2605:59c8:7700::/40") });
  assert.doesNotMatch(await routes(customer), /2605:59c8:1200::/);
  await isp.command({ kind: "stop-ra" });
  await until(async () => (await capture.packets("icmpv6.nd.ra.router_lifetime == 0", "frame.number")).length === 3, {
    within: 15_000,
    what: "the provider has said farewell three times",
  });
  await capture.stop();
  const replies = await capture.packets("dhcpv6.msgtype == 7", "eth.dst", "eth.src", "ipv6.src", "udp.srcport", "udp.dstport");
  assert.deepEqual(replies[0], ["ff:ff:ff:ff:ff:ff", "00:00:5e:00:01:01", "2605:59c8:1:8a00::1", "49152", "546"]);
  assert.deepEqual(tsharkComplaints(capture.path, [STARLINK.mac]), []);
});

test("a prefix that is not renewed loses its route, and one whose link was down gets it back", async (t) => {
  const customer = await connectCustomer(t);
  const { isp } = customer;
  await isp.command({ kind: "lifetimes", preferred: 8 as Seconds, valid: 10 as Seconds });
  const dhclient = askForPrefix(customer);
  await dhclient.line(/Bound to lease/, 15_000);
  await dhclient.stop("SIGKILL");
  await isp.namespace.ip("link set cust down");
  await until(async () => !(await routes(customer)).includes("::/56"), { within: 3000, what: "the kernel has dropped the route" });
  await isp.namespace.ip("link set cust up");
  await until(async () => (await routes(customer)).includes("2605:59c8:1200::/56"), { within: 3000, what: "the route is back" });
  await until(async () => !(await routes(customer)).includes("::/56"), { within: 11_000, what: "the lease has ended" });
});
