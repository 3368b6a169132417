import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuid } from "../addr/duid.ts";
import { ip6 } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { INFINITY, type Seconds } from "../addr/time.ts";
import { type ClientServerMessage, type Dhcpv6Option, STATUS } from "./dhcpv6.ts";
import { dhcpv6Name, dhcpv6OptionLines, dhcpv6Reference, dhcpv6Words } from "./dhcpv6-words.ts";

const time = (seconds: number) => seconds as Seconds;
const message = (kind: ClientServerMessage["kind"], ...options: Dhcpv6Option[]): ClientServerMessage => ({
  kind,
  transactionId: 0x3a2b1c,
  options,
});
const delegated = prefix("2605:59c8:1200::/56");
const lease = (preferred: number, valid: number, options: Dhcpv6Option[] = []): Dhcpv6Option => {
  return { kind: "ia-prefix", prefix: delegated, preferred: time(preferred), valid: time(valid), options };
};
const association = (t1: number, t2: number, ...options: Dhcpv6Option[]): Dhcpv6Option => {
  return { kind: "ia-pd", iaid: 1, t1: time(t1), t2: time(t2), options };
};
const status = (code: number, text: string): Dhcpv6Option => ({ kind: "status-code", status: code, message: text });

test("a Solicit says what it asks for and how long it has been trying", () => {
  const hint: Dhcpv6Option = { kind: "ia-prefix", prefix: prefix("::/56"), preferred: time(0), valid: time(0), options: [] };
  const elapsed: Dhcpv6Option = { kind: "elapsed-time", hundredths: 215 };
  assert.equal(dhcpv6Words(message("solicit", association(0, 0, hint), elapsed)), "any /56; trying for 2.15 s");
  assert.equal(dhcpv6Words(message("solicit", association(0, 0), { kind: "elapsed-time", hundredths: 0 })), "any prefix");
});

test("a Reply says prefix, lifetimes, T1 and T2, and resolvers", () => {
  const dns: Dhcpv6Option = { kind: "dns-servers", addresses: [ip6("2606:4700:4700::1111"), ip6("2001:4860:4860::8888")] };
  assert.equal(
    dhcpv6Words(message("reply", association(75, 120, lease(150, 300)), dns)),
    "2605:59c8:1200::/56 preferred 150 s valid 300 s, T1 75 s T2 120 s; DNS 2606:4700:4700::1111 2001:4860:4860::8888",
  );
});

test("lifetimes are told where a server promises them, zero and infinity too, and not where a client fills a field", () => {
  assert.match(dhcpv6Words(message("reply", association(0, 0, lease(0, 0)))), /preferred 0 s valid 0 s/);
  assert.match(dhcpv6Words(message("advertise", association(0, 0, lease(INFINITY, INFINITY)))), /preferred for ever valid for ever/);
  assert.equal(dhcpv6Words(message("renew", association(0, 0, lease(0, 0)))), "2605:59c8:1200::/56");
});

test("a status is told at all three levels, with the server's text", () => {
  const refused = status(STATUS.NoPrefixAvail, "pool is empty");
  assert.equal(dhcpv6Words(message("reply", status(STATUS.UnspecFail, ""))), "UnspecFail");
  assert.equal(dhcpv6Words(message("advertise", association(0, 0, refused))), "no prefix: NoPrefixAvail (pool is empty)");
  assert.match(dhcpv6Words(message("reply", association(0, 0, lease(0, 0, [refused])))), /valid 0 s \(NoPrefixAvail \(pool is empty\)\)/);
  assert.equal(dhcpv6Words(message("reply", status(99, "what"))), "status 99 (what)");
  assert.equal(dhcpv6Words(message("reply", status(STATUS.Success, ""))), "");
});

test("names and references are spelled as in the RFC", () => {
  assert.equal(dhcpv6Name(message("information-request")), "Information-request");
  assert.equal(dhcpv6Reference({ ...message("reply"), transactionId: 0x1c }), "transaction 00001c");
  const relayed = { kind: "relay-forward", hopCount: 2, linkAddress: ip6("::"), peerAddress: ip6("fe80::1"), options: [] } as const;
  assert.equal(dhcpv6Reference(relayed), "hop 2 for fe80::1");
});

test("every option is a line, what it contains is indented", () => {
  const lines = dhcpv6OptionLines(
    message(
      "reply",
      { kind: "client-id", duid: parseDuid("0004aabb")! },
      association(75, 120, lease(150, 300, [{ kind: "pd-exclude", prefix: prefix("2605:59c8:1200::/64") }])),
      { kind: "oro", codes: [23, 82, 144, 999] },
      { kind: "preference", value: 255 },
      { kind: "rapid-commit" },
      {
        kind: "ntp-server",
        servers: [
          { kind: "name", name: "time.example" },
          { kind: "address", address: ip6("2605::1") },
        ],
      },
      { kind: "unknown", code: 144, data: new Uint8Array(5) },
      { kind: "malformed", code: 23, data: new Uint8Array(3) },
      { kind: "sol-max-rt", time: time(60) },
    ),
  );
  assert.deepEqual(lines, [
    "client-id 0004aabb",
    "ia-pd 1, T1 75 s T2 120 s",
    "  ia-prefix 2605:59c8:1200::/56, preferred 150 s valid 300 s",
    "    pd-exclude 2605:59c8:1200::/64",
    "oro dns-servers sol-max-rt dnr 999",
    "preference 255",
    "rapid-commit",
    "ntp-server time.example 2605::1",
    "unknown dnr, 5 octets",
    "malformed dns-servers, 3 octets",
    "sol-max-rt 60 s",
  ]);
});
