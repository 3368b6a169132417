import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "./config-error.ts";
import { parseConfig } from "./parse-config.ts";

const HOME = `[wan]\ninterface = "eth8"\nipv4 = "dhcp"\n[lan.home]\ninterface = "eth0"\n`;
const PRINTER = `[device.printer]\nmac = "b8:27:eb:12:34:56"\nipv4 = "192.168.1.10"\n[device.tv]\nmac = "b8:27:eb:12:34:57"\n`;

/** "line text" of each problem. */
function told(...forwards: readonly string[]): readonly string[] {
  return toldOf(`${HOME}${PRINTER}${forwards.map((forward) => `[[forward]]\n${forward}\n`).join("")}`);
}

function toldOf(text: string): readonly string[] {
  try {
    parseConfig(text, "skylan.toml");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map((problem) => `${problem.line} ${problem.text}`);
  }
  return [];
}

test("a forward leads from a port to a device by its name, or to an address", () => {
  const text = `${HOME}${PRINTER}
[[forward]]
port = "tcp/443"
to = "printer"
to_port = 8443
source = "198.18.0.80"
[[forward]]
port = "udp/5000-5010"
to = "192.168.1.7"
source = "198.18.0.0/24"
`;
  assert.deepEqual(parseConfig(text, "x").forwards, [
    { opening: { protocol: "tcp", from: 443, to: 443 }, address: "192.168.1.10", toPort: 8443, source: "198.18.0.80/32" },
    { opening: { protocol: "udp", from: 5000, to: 5010 }, address: "192.168.1.7", source: "198.18.0.0/24" },
  ]);
});

test("it needs a port and a place, in words that are understood", () => {
  assert.deepEqual(told(`to = "printer"`), [`11 [[forward]] needs the key "port", such as port = "tcp/443"`]);
  assert.deepEqual(told(`port = "tcp/443"`), [`11 [[forward]] needs the key "to", such as to = "printer"`]);
  assert.match(told(`port = 443\nto = "printer"`)[0]!, /^12 port must be a protocol and a port or a range of ports.*, not 443$/);
  assert.match(
    told(`port = "tcp/1"\nto = "printer"\nto_prot = 8`)[0]!,
    /^14 \[\[forward\]\] has no key "to_prot"; did you mean "to_port"\?/,
  );
  assert.match(told(`port = "tcp/1"\nto = "printer"\nsource = "2a00::1"`)[0]!, /^14 source must be an IPv4 address or network/);
  assert.match(
    toldOf(`${HOME}[forward]\nport = "tcp/1"\nto = "192.168.1.2"`)[0]!,
    /forward must be tables of their own, each headed \[\[forward\]\]/,
  );
});

test("it leads to an address that stays, in a LAN, and not to the router", () => {
  const to = (place: string): string => told(`port = "tcp/443"\nto = "${place}"`)[0] ?? "";
  assert.match(to("tv"), /^13 "tv" has no IPv4 address that stays; write ipv4 in \[device\.tv\]$/);
  assert.match(to("nas"), /^13 "nas" has no IPv4 address that stays; write the name of a \[device\.NAME\] that has one/);
  assert.match(to("10.0.0.7"), /^13 10\.0\.0\.7 is in no LAN's network; write an address in 192\.168\.1\.0\/24 of \[lan\.home\]$/);
  assert.match(
    to("192.168.1.1"),
    /^13 192\.168\.1\.1 is the router itself; what it offers is opened by open = \["tcp\/22"\] in \[gateway\]$/,
  );
  assert.equal(to("192.168.1.99"), "");
});

test("no port leads to two places, and a range keeps its ports", () => {
  const forward = (port: string, more = ""): string => `port = "${port}"\nto = "printer"\n${more}`;
  assert.deepEqual(told(forward("tcp/443"), forward("udp/443"), forward("tcp/80-442")), []);
  assert.match(
    told(forward("tcp/443"), forward("tcp/400-500"))[0]!,
    /^16 tcp\/400-500 is forwarded to printer already; write another port, or sources that differ$/,
  );
  const [here, there] = [`source = "198.18.0.0/24"`, `source = "198.18.1.0/24"`];
  assert.deepEqual(told(forward("tcp/443", here), forward("tcp/443", there)), []);
  assert.equal(told(forward("tcp/443", here), forward("tcp/443")).length, 1);
  assert.match(
    told(forward("udp/5000-5010", "to_port = 6000"))[0]!,
    /^14 to_port goes with one port, and udp\/5000-5010 is a range; leave it out$/,
  );
  const gateway = `[gateway]\nopen = ["tcp/22"]\n`;
  assert.match(
    toldOf(`${HOME}${PRINTER}${gateway}[[forward]]\n${forward("tcp/20-30")}`)[0]!,
    /^14 tcp\/22 is opened to the router itself in \[gateway\]; write another port, or close it there$/,
  );
});

test("without IPv4 in skylan's hands there is nothing to forward, and there are no more forwards than rules may be", () => {
  const off = HOME.replace(`ipv4 = "dhcp"\n`, "");
  const one = `[[forward]]\nport = "tcp/443"\nto = "192.168.1.2"\n`;
  assert.match(
    toldOf(`${off}${one}`)[0]!,
    /^5 a forward needs an IPv4 address of the provider; write ipv4 = "dhcp" in \[wan\], or leave it out$/,
  );
  const many = Array.from({ length: 257 }, (_none, i) => `[[forward]]\nport = "tcp/${i + 1}"\nto = "192.168.1.2"\n`).join("");
  assert.match(toldOf(`${HOME}${many}`)[0]!, /there are 257 forwards; at most 256 can be had/);
});
