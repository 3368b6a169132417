/** `skylan trace` on a real link: a process of its own in one namespace, a peer in another that sends exact frames. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ALL_DHCP_SERVERS, ALL_NODES, ip4, ip6, UNSPECIFIED4 } from "../../src/addr/ip.ts";
import { mac } from "../../src/addr/mac.ts";
import { prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { createNamespace, type NetworkNamespace } from "../../src/kernel/setns.ts";
import { openPacketSocket, type PacketSocket } from "../../src/kernel/packet-socket.ts";
import { answerFrame } from "../../src/machines/dhcpv4-client.fixture.ts";
import { arpProbe, encodeArp } from "../../src/wire/arp.ts";
import { type Dhcpv4Message, encodeDhcpv4 } from "../../src/wire/dhcpv4.ts";
import { encodeDhcpv6 } from "../../src/wire/dhcpv6.ts";
import { BROADCAST, encodeEthernet, ETHERTYPE_ARP, ETHERTYPE_IPV4 } from "../../src/wire/ethernet.ts";
import { checksumState, decodeFrame, encodeIcmpv6Frame, encodeUdpFrame } from "../../src/wire/frame.ts";
import { encodeIpv4 } from "../../src/wire/ipv4.ts";
import { encodeNdp } from "../../src/wire/ndp.ts";
import { decodeCapture } from "../../src/wire/pcap.ts";
import { shell, until } from "../fixtures/bare-home.ts";
import { checksumOffloadOff, hasTshark, tsharkComplaints } from "./captures.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const ROUTER_MAC = mac("00:00:5e:00:01:01");
const router = { sourceMac: ROUTER_MAC, source: ip6("fe80::200:5eff:fe00:101"), hopLimit: 255 };

const advertisement = encodeIcmpv6Frame(
  { ...router, destination: ALL_NODES },
  encodeNdp({
    kind: "router-advertisement",
    hopLimit: 64,
    managed: false,
    other: true,
    preference: "medium",
    routerLifetime: 1800 as Seconds,
    reachableTime: 0,
    retransTimer: 0,
    options: [{ kind: "source-link-layer-address", mac: ROUTER_MAC }],
  }),
);

const lifetimes = { preferred: 150 as Seconds, valid: 300 as Seconds };
const reply = encodeUdpFrame(
  { ...router, destination: ALL_DHCP_SERVERS },
  {
    sourcePort: 547,
    destinationPort: 546,
    payload: encodeDhcpv6({
      kind: "reply",
      transactionId: 0x3a2b1c,
      options: [
        {
          kind: "ia-pd",
          iaid: 1,
          t1: 75 as Seconds,
          t2: 120 as Seconds,
          options: [{ kind: "ia-prefix", prefix: prefix("2605:59c8:1200::/56"), ...lifetimes, options: [] }],
        },
      ],
    }),
  },
);

const EMPTY_OFFER: Dhcpv4Message = {
  op: "reply",
  xid: 7,
  secs: 0,
  broadcast: false,
  ciaddr: UNSPECIFIED4,
  yiaddr: UNSPECIFIED4,
  siaddr: UNSPECIFIED4,
  giaddr: UNSPECIFIED4,
  chaddr: ROUTER_MAC,
  options: [{ kind: "message-type", type: "offer" }],
};

/** Two namespaces and the cable between them: "wan" on the box, "isp" at the peer; both ends are down. */
interface Cable {
  readonly box: NetworkNamespace;
  readonly peer: NetworkNamespace;
  readonly directory: string;
  /** Brings both ends up and gives a way to send frames into the cable. */
  plug(): PacketSocket;
}

function makeCable(t: TestContext): Cable {
  const [box, peer] = [createNamespace(), createNamespace()];
  const directory = mkdtempSync(join(tmpdir(), "skylan-trace-"));
  t.after(() => {
    rmSync(directory, { recursive: true });
    for (const one of [box, peer]) one.close();
  });
  box.run(() => shell(`ip link add wan type veth peer name isp; ip link set isp netns ${peer.path}`));
  const plug = (): PacketSocket => {
    box.run(() => shell("ip link set wan up"));
    const socket = peer.run(() => {
      shell("ip link set isp up");
      return openPacketSocket({ interface: "isp", filter: [{ code: 6, jt: 0, jf: 0, k: 0 }], receive: () => {} });
    });
    t.after(() => socket.close());
    return socket;
  };
  return { box, peer, directory, plug };
}

interface Trace {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output(): string;
  complaints(): string;
}

/** Starts the trace in the box's namespace; no daemon runs and there is no config. */
async function startTrace({ box, directory }: Cable, ...options: readonly string[]): Promise<Trace> {
  const command = [process.execPath, MAIN, "trace", "--run-dir", directory, "--config", join(directory, "none.toml"), ...options];
  const child = spawn("nsenter", [`--net=${box.path}`, ...command], { stdio: ["ignore", "pipe", "pipe"] });
  let [output, complaints] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  await until(() => child.exitCode !== null || complaints.includes("Listening"), "the trace to listen");
  return { child, ended, output: () => output, complaints: () => complaints };
}

test("the trace tells what passes, on a link that was down at first and goes down between", async (t) => {
  const cable = makeCable(t);
  const trace = await startTrace(cable, "wan", "--verbose");
  const socket = cable.plug();
  assert.equal(socket.send(advertisement), undefined);
  await until(() => trace.output().includes("RA "), "the advertisement");
  cable.box.run(() => shell("ip link set wan down; ip link set wan up"));
  assert.equal(socket.send(reply), undefined);
  await until(() => trace.output().includes("Reply"), "the reply");
  await until(() => /out {2}RS .*\(this box\)/.test(trace.output()), "a solicitation of the box itself");
  trace.child.kill("SIGINT");
  assert.equal(await trace.ended, 0);
  assert.match(trace.output(), /^\d\d:\d\d:\d\d\.\d{6} {2}wan {2}in {3}RA +router fe80::200:5eff:fe00:101 → .*default router 1800 s/m);
  assert.match(trace.output(), /Reply .*2605:59c8:1200::\/56 preferred 150 s valid 300 s, T1 75 s T2 120 s; transaction 3a2b1c$/m);
  assert.match(trace.output(), /^ {4}source-link-layer-address 00:00:5e:00:01:01$/m);
  assert.match(trace.complaints(), /Listening on wan\..*\n\d+ packets\.\n$/);
});

test("the capture holds what was told, with nanoseconds and directions, and tshark opens it", async (t) => {
  const cable = makeCable(t);
  const socket = cable.plug();
  const ready = (addresses: string): boolean => addresses.includes("fe80:") && !addresses.includes("tentative");
  await until(() => cable.box.run(() => ready(shell("ip -6 addr show dev wan"))), "duplicate address detection");
  const file = join(cable.directory, "wan.pcapng");
  const trace = await startTrace(cable, "wan", "--pcap", file, "--json", "--count", "2");
  socket.send(advertisement);
  socket.send(reply);
  assert.equal(await trace.ended, 0);
  const told = trace
    .output()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const frames = decodeCapture(readFileSync(file));
  assert.deepEqual(frames.length, 2);
  assert.deepEqual(
    told.map((line) => line.interface),
    ["wan", "wan"],
  );
  for (const [i, { time, interface: link }] of frames.entries()) {
    assert.equal(link, "wan");
    assert.match(told[i].time, new RegExp(`\\.${String(time % 1_000_000_000n).padStart(9, "0")}Z$`));
  }
  if (!hasTshark()) return t.skip("tshark not installed");
  assert.deepEqual(tsharkComplaints(file, [ROUTER_MAC]), []);
  const read = spawnSync("tshark", ["-r", file, "-T", "fields", "-e", "frame.interface_name"], { encoding: "utf8" });
  assert.equal(read.stdout, "wan\nwan\n");
});

test("the trace tells DHCPv4 and ARP, and puts them into the capture, but no other IPv4", async (t) => {
  const cable = makeCable(t);
  const socket = cable.plug();
  const file = join(cable.directory, "ipv4.pcapng");
  const trace = await startTrace(cable, "wan", "--pcap", file);
  const source = ROUTER_MAC;
  const [probed, own] = [ip4("100.64.0.9"), mac("02:00:00:00:00:01")];
  const other = encodeIpv4({ source: ip4("100.64.0.1"), destination: probed, protocol: 6, ttl: 64, payload: new Uint8Array(20) });
  socket.send(encodeEthernet({ destination: own, source, etherType: ETHERTYPE_IPV4, payload: other }));
  socket.send(answerFrame(encodeDhcpv4({ ...EMPTY_OFFER, chaddr: own, yiaddr: probed })));
  socket.send(encodeEthernet({ destination: BROADCAST, source, etherType: ETHERTYPE_ARP, payload: encodeArp(arpProbe(source, probed)) }));
  await until(() => /ARP/.test(trace.output()), "the probe");
  trace.child.kill("SIGTERM");
  assert.equal(await trace.ended, 0);
  assert.match(trace.output(), /wan {2}in {3}DHCPOFFER +100\.64\.0\.1.* → 255\.255\.255\.255 \(all\): 100\.64\.0\.9/);
  assert.match(trace.output(), /wan {2}in {3}ARP +00:00:5e:00:01:01 → all: does anyone use 100\.64\.0\.9\?/);
  assert.doesNotMatch(trace.output(), /IPv4/);
  const kinds = decodeCapture(readFileSync(file)).map(({ bytes }) => decodeFrame(bytes).kind);
  assert.deepEqual(
    kinds.filter((kind) => kind !== "ipv6"),
    ["ipv4", "arp"],
  );
  if (!hasTshark()) return t.skip("tshark not installed");
  assert.deepEqual(tsharkComplaints(file, [ROUTER_MAC]), []);
});

test("an unknown interface, a missing config, a capture that can't be written and missing rights are sentences with exit codes", async (t) => {
  const cable = makeCable(t);
  const ends = async (...options: string[]): Promise<readonly [number | null, string]> => {
    const trace = await startTrace(cable, ...options);
    return [await trace.ended, trace.complaints()];
  };
  const [unknown, none, unwritable] = await Promise.all([
    ends("wam"),
    ends(),
    ends("wan", "--pcap", join(cable.directory, "missing", "file")),
  ]);
  assert.deepEqual(unknown, [69, "skylan: cannot capture packets on wam: there is no such interface (ENODEV)\n"]);
  assert.equal(none[0], 78);
  assert.match(none[1], /^skylan: .*none\.toml: there is no such file/);
  assert.equal(unwritable[0], 1);
  assert.match(unwritable[1], /cannot write the capture .*: there is no such directory\n$/);
  // Still the owner of the tree, which nobody else may be able to read.
  const unprivileged = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"];
  const denied = spawnSync(
    "nsenter",
    [`--net=${cable.box.path}`, ...unprivileged, process.execPath, MAIN, "trace", "wan", "--run-dir", "/nonexistent"],
    { encoding: "utf8" },
  );
  assert.deepEqual([denied.status, denied.stderr], [77, `skylan: ${DENIED}\n`]);
});

const DENIED = "listening on an interface needs the right to capture packets (CAP_NET_RAW); run it with sudo";

test("a reader that goes away ends the trace without a complaint", async (t) => {
  const cable = makeCable(t);
  const trace = await startTrace(cable, "wan");
  trace.child.stdout!.destroy();
  const socket = cable.plug();
  const flood = setInterval(() => socket.send(advertisement), 20);
  t.after(() => clearInterval(flood));
  assert.equal(await trace.ended, 0);
  assert.doesNotMatch(trace.complaints(), /EPIPE|bug/);
});

test("checksums of the kernel's own datagrams are whole once offloading is off", async (t) => {
  const cable = makeCable(t);
  cable.plug();
  const ready = (addresses: string): boolean => addresses.includes("fe80:") && !addresses.includes("tentative");
  await until(() => cable.box.run(() => ready(shell("ip -6 addr show dev wan"))), "duplicate address detection");
  const states = async (): Promise<string | undefined> => {
    const file = join(cable.directory, "states.pcapng");
    const trace = await startTrace(cable, "wan", "--pcap", file);
    const send = `import socket; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.sendto(b"x", ("ff02::1:2%wan", 547))`;
    cable.box.run(() => assert.equal(spawnSync("/usr/bin/python3", ["-c", send]).status, 0));
    await until(() => trace.output().includes("DHCPv6?"), "the datagram");
    trace.child.kill("SIGTERM");
    await trace.ended;
    const frames = decodeCapture(readFileSync(file)).map(({ bytes }) => decodeFrame(bytes));
    const datagram = frames.find((frame) => frame.kind === "ipv6" && frame.packet.protocol === 17);
    return datagram?.kind === "ipv6" ? checksumState(datagram.packet) : undefined;
  };
  assert.equal(await states(), "begun");
  const [program, ...args] = checksumOffloadOff("wan");
  cable.box.run(() => assert.equal(spawnSync(program, args).status, 0));
  assert.equal(await states(), "right");
});
