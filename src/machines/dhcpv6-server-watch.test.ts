import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_DHCP_SERVERS, ip6 } from "../addr/ip.ts";
import { seededRandom } from "../addr/random.ts";
import { instant } from "../addr/time.ts";
import { type ClientServerMessage, decodeDhcpv6, encodeDhcpv6, optionOf } from "../wire/dhcpv6.ts";
import { CLIENT, OTHER_SERVER, SERVER, serverId } from "./dhcpv6-client.fixture.ts";
import { createDhcpv6ServerWatch, type Dhcpv6ServerWatchFact, type Dhcpv6ServerWatchInput } from "./dhcpv6-server-watch.ts";

const ROGUE = ip6("fe80::bad");

/** The watch in virtual time; `at` is in seconds. */
function watch() {
  const machine = createDhcpv6ServerWatch({ random: seededRandom(1), duid: CLIENT });
  const asked: { readonly at: number; readonly message: ClientServerMessage }[] = [];
  const warnings: string[] = [];
  let fact: Dhcpv6ServerWatchFact = { servers: [] };
  let now = 0;
  const give = (input: Dhcpv6ServerWatchInput): void => {
    for (const output of machine.handle(input, instant(now * 1000))) {
      if (output.kind === "fact") fact = output.fact;
      else if (output.kind === "note") warnings.push(output.text);
      else if (output.kind === "send") {
        assert.equal(output.to, ALL_DHCP_SERVERS);
        asked.push({ at: now, message: decodeDhcpv6(output.bytes) as ClientServerMessage });
      }
    }
  };
  const pass = (time: number): void => {
    const end = now + time;
    for (let wake = machine.wakeAt(); wake !== undefined && wake <= end * 1000; wake = machine.wakeAt()) {
      now = wake / 1000;
      give({ kind: "tick" });
    }
    now = end;
  };
  const hear = (bytes: Uint8Array): void => give({ kind: "packet", from: ROGUE, to: ip6("fe80::1"), hopLimit: 64, sourcePort: 547, bytes });
  const reply = (server = OTHER_SERVER, changes: Partial<ClientServerMessage> = {}): void =>
    hear(encodeDhcpv6({ kind: "reply", transactionId: asked.at(-1)!.message.transactionId, options: [serverId(server)], ...changes }));
  return { machine, asked, warnings, give, pass, hear, reply, servers: () => fact.servers.map(({ duid }) => duid) };
}

test("[D6E-6] the LAN is asked within a second after its link came up and then every ten minutes; not at all while it is down", () => {
  const lan = watch();
  lan.pass(100);
  assert.equal(lan.asked.length, 0);
  lan.give({ kind: "link", up: true });
  lan.pass(1500);
  assert.ok(lan.asked[0]!.at <= 101);
  assert.deepEqual(
    lan.asked.map(({ at }) => Math.round(at - lan.asked[0]!.at)),
    [0, 600, 1200],
  );
  assert.equal(new Set(lan.asked.map(({ message }) => message.transactionId)).size, 3);
  for (const { message } of lan.asked) assert.deepEqual([message.kind, optionOf(message, "ia-pd")], ["information-request", undefined]);
  lan.give({ kind: "link", up: false });
  assert.equal(lan.machine.wakeAt(), undefined);
});

test("[D6E-6] a server that answers is named once, kept while it answers, and forgotten when it has been silent for three questions", () => {
  const lan = watch();
  lan.give({ kind: "link", up: true });
  lan.pass(2);
  lan.reply();
  lan.reply();
  lan.reply(SERVER);
  assert.deepEqual(lan.servers(), [OTHER_SERVER, SERVER]);
  assert.equal(lan.warnings.length, 2);
  assert.match(lan.warnings[0]!, /fe80::bad/);
  lan.pass(1700);
  lan.reply();
  lan.pass(200);
  assert.deepEqual(lan.servers(), [OTHER_SERVER]);
  lan.pass(2000);
  assert.deepEqual(lan.servers(), []);
});

test("[D6E-6] what nobody asked for, what is malformed, and our own DUID name no server, and a flood of servers fills a small list", () => {
  const lan = watch();
  lan.give({ kind: "link", up: true });
  lan.pass(2);
  lan.reply(OTHER_SERVER, { transactionId: 1 });
  lan.reply(OTHER_SERVER, { kind: "advertise" });
  lan.reply(CLIENT);
  lan.reply(OTHER_SERVER, { options: [] });
  for (let length = 0; length < 20; length++) lan.hear(new Uint8Array(length).fill(length));
  assert.deepEqual([lan.servers(), lan.warnings], [[], []]);
  for (let server = 0; server < 50; server++) lan.reply(`${OTHER_SERVER}${String(server).padStart(2, "0")}` as never);
  assert.equal(lan.servers().length, 8);
});
