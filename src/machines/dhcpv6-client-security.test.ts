import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../addr/json.ts";
import { ALL_NODES, ip6 } from "../addr/ip.ts";
import type { Duration, Seconds } from "../addr/time.ts";
import { type ClientServerMessage, type Dhcpv6Kind, type Dhcpv6Option, encodeDhcpv6, MESSAGE_TYPES } from "../wire/dhcpv6.ts";
import { encodeAuthenticated, rkapKey } from "../wire/dhcpv6-auth.ts";
import { answerTo, CLIENT, ELSEWHERE, HOME, iaPd, OTHER_SERVER, ROUTER, Script, SERVER, serverId } from "./dhcpv6-client.fixture.ts";

const KEY = Uint8Array.from({ length: 16 }, (_, i) => 16 - i);
const UNICAST = ip6("fe80::2");

interface Order {
  readonly messageType?: number;
  readonly replay?: bigint;
  readonly key?: Uint8Array;
  readonly server?: typeof SERVER;
  readonly client?: typeof CLIENT;
}

function reconfigure({ messageType = 5, replay = 2n, key = KEY, server = SERVER, client = CLIENT }: Order = {}): Uint8Array {
  const options: Dhcpv6Option[] = [{ kind: "client-id", duid: client }, serverId(server), { kind: "reconfigure-message", messageType }];
  return encodeAuthenticated({ kind: "reconfigure", transactionId: 0, options }, key, replay);
}

/** Bound by a server that gave a key, replay counter 1. */
function keyed(): Script {
  const script = new Script();
  script.bind(iaPd(HOME), { kind: "reconfigure-accept" }, rkapKey(KEY, 1n));
  return script.pass(10);
}

test("[D6E-5] a good Reconfigure brings a Renew, a Rebind or an Information-request at once", () => {
  for (const [messageType, kind] of [
    [5, "renew"],
    [6, "rebind"],
    [11, "information-request"],
  ] as const) {
    const script = keyed();
    script.hear(reconfigure({ messageType }));
    assert.equal(script.last.kind, kind);
    assert.equal(script.last.at, script.now);
    assert.deepEqual(script.prefixes, [HOME]);
  }
});

test("[D6E-5] a Reconfigure is ignored without or with wrong authentication, replayed, multicast, of others, for others, or for nothing known", () => {
  const plain = { kind: "reconfigure", transactionId: 0, options: [] } as const;
  const ids: Dhcpv6Option[] = [{ kind: "client-id", duid: CLIENT }, serverId(SERVER), { kind: "reconfigure-message", messageType: 5 }];
  const bad = {
    "without authentication": encodeDhcpv6({ ...plain, options: ids }),
    "with the key instead of a digest": encodeDhcpv6({ ...plain, options: [...ids, rkapKey(KEY, 2n)] }),
    "with another key": reconfigure({ key: new Uint8Array(16) }),
    "with the replay counter of the key": reconfigure({ replay: 1n }),
    "with a lower replay counter": reconfigure({ replay: 0n }),
    "of another server": reconfigure({ server: OTHER_SERVER }),
    "for another client": reconfigure({ client: OTHER_SERVER }),
    "for a Release": reconfigure({ messageType: 8 }),
    "without the wanted message": encodeAuthenticated({ ...plain, options: ids.slice(0, 2) }, KEY, 2n),
    "without server": encodeAuthenticated({ ...plain, options: [ids[0]!, ids[2]!] }, KEY, 2n),
  };
  for (const [what, bytes] of Object.entries(bad)) {
    const script = keyed();
    const { length } = script.sent;
    script.hear(bytes).pass(5);
    assert.equal(script.sent.length, length, what);
    assert.deepEqual(script.prefixes, [HOME], what);
  }
  const script = keyed();
  const { length } = script.sent;
  script.hear(reconfigure(), ROUTER, ALL_NODES);
  assert.equal(script.sent.length, length);
  script.hear(reconfigure(), ROUTER, UNICAST);
  assert.equal(script.sent.length, length + 1);
});

test("[D6E-5] a client that was given no key obeys no Reconfigure", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(10);
  const { length } = script.sent;
  script.hear(reconfigure({ key: new Uint8Array(16) }));
  assert.equal(script.sent.length, length);
});

test("[D6E-5] a burst of 50 Reconfigures causes one exchange; the same one again is a replay", () => {
  const script = keyed();
  const { length } = script.sent;
  for (let replay = 2n; replay < 52n; replay++) script.hear(reconfigure({ replay }));
  assert.equal(script.sent.length, length + 1);
  script.answer("reply", iaPd(HOME));
  script.hear(reconfigure({ replay: 2n }));
  assert.equal(script.sent.length, length + 1);
  script.hear(reconfigure({ replay: 3n }));
  assert.equal(script.sent.length, length + 2);
});

test("[D6E-5] [D6P-20] key and replay counter survive a restart: the good Reconfigure is obeyed, the replayed one is not", () => {
  const script = keyed();
  script.outputs.length = 0;
  script.hear(reconfigure({ replay: 5n }));
  assert.ok(script.outputs.findIndex(({ kind }) => kind === "save") < script.outputs.findIndex(({ kind }) => kind === "send"));
  script.answer("reply", iaPd(HOME));
  const snapshot = JSON.parse(JSON.stringify(script.client.snapshot())) as Json;
  const next = new Script({}, { snapshot, shift: (-script.now * 1000) as Duration }).link(true).pass(12);
  const { length } = next.sent;
  next.hear(reconfigure({ replay: 5n }));
  assert.equal(next.sent.length, length);
  next.hear(reconfigure({ replay: 6n }));
  assert.equal(next.sent.length, length + 1);
});

test("[D6E-5] the key belongs to its server: after another one has taken over, the former is not obeyed", () => {
  const script = keyed().pass(115);
  script.answer("reply", serverId(OTHER_SERVER), iaPd(HOME)).pass(1);
  const { length } = script.sent;
  script.hear(reconfigure());
  assert.equal(script.sent.length, length);
});

/** Every way to spoil an answer. */
const MUTATIONS: Readonly<Record<string, (message: ClientServerMessage) => ClientServerMessage>> = {
  "without server": (message) => ({ ...message, options: message.options.filter(({ kind }) => kind !== "server-id") }),
  "without client": (message) => ({ ...message, options: message.options.filter(({ kind }) => kind !== "client-id") }),
  "for another client": (message) => ({
    ...message,
    options: message.options.map((option) => (option.kind === "client-id" ? { ...option, duid: OTHER_SERVER } : option)),
  }),
  "with another transaction id": (message) => ({ ...message, transactionId: message.transactionId ^ 1 }),
};

const STATES: Readonly<Record<string, () => Script>> = {
  soliciting: () => new Script({ rapidCommit: true }).link(true).pass(1),
  requesting: () => new Script().link(true).pass(1).answer("advertise", iaPd(HOME)).pass(1.1),
  renewing: () => bound().pass(76),
  rebinding: () => bound().pass(121),
  verifying: () => bound().link(false).link(true).pass(1),
};

function bound(): Script {
  return new Script().bind(iaPd(HOME));
}

for (const [state, reach] of Object.entries(STATES)) {
  test(`[D6E-1] while ${state}, answers without Server ID, of another transaction or not for us are dropped`, () => {
    for (const kind of ["advertise", "reply"] as const) {
      for (const [what, spoil] of Object.entries(MUTATIONS)) {
        const script = reach();
        assert.equal(script.fact.state, state);
        const { length } = script.sent;
        const before = script.fact;
        const good: ClientServerMessage = {
          kind,
          transactionId: script.last.message.transactionId,
          options: [{ kind: "client-id", duid: CLIENT }, serverId(SERVER), iaPd(ELSEWHERE), { kind: "rapid-commit" }, preference255],
        };
        script.hear(encodeDhcpv6(spoil(good)));
        assert.equal(script.sent.length, length, what);
        assert.deepEqual(script.fact, before, what);
      }
    }
  });
}

const preference255 = { kind: "preference", value: 255 } as const;

test("[D6E-2] message types that are not for clients, relay messages and unknown types are dropped", () => {
  const script = bound().pass(76);
  const before = script.fact;
  const { length } = script.sent;
  const good = answerTo(script.last.message, "reply", iaPd(ELSEWHERE));
  const forClients = new Set<number>([MESSAGE_TYPES.advertise, MESSAGE_TYPES.reply, MESSAGE_TYPES.reconfigure]);
  for (let type = 0; type < 256; type++) {
    if (forClients.has(type)) continue;
    script.hear(Uint8Array.of(type, ...good.slice(1)));
  }
  assert.deepEqual(script.fact, before);
  assert.equal(script.sent.length, length);
});

test("[D6E-2] unknown options between known ones, and any order, change nothing", () => {
  const unknown = (code: number): Dhcpv6Option => ({ kind: "unknown", code, data: Uint8Array.of(1, 2, 3) });
  const times = { preferred: 1000 as Seconds, valid: 2000 as Seconds };
  const orders: Dhcpv6Option[][] = [
    [unknown(65000), serverId(SERVER), unknown(12), iaPd(HOME, times), unknown(60_000)],
    [iaPd(HOME, { ...times, options: [unknown(1000)] }), unknown(65_535), serverId(SERVER)],
  ];
  for (const options of orders) {
    const script = bound().pass(76);
    script.hear(answerTo(script.last.message, "reply", ...options));
    assert.equal(script.lifetimes[1], 2000);
  }
});

test("[D6E-3] a truncated answer is applied in no part, wherever it is cut", () => {
  const script = bound().pass(76);
  const before = script.fact;
  const good = answerTo(script.last.message, "reply", iaPd(ELSEWHERE, { preferred: 5000, valid: 6000 }), {
    kind: "dns-servers",
    addresses: [ip6("2001:4860:4860::8888")],
  });
  const ends = optionEnds(good);
  for (let length = 0; length < good.length; length++) {
    if (!ends.has(length)) script.hear(good.slice(0, length));
  }
  assert.deepEqual(script.fact, before);
  script.hear(good);
  assert.ok(script.prefixes.includes(ELSEWHERE));
});

/** Lengths at which the message is shorter, but whole. */
function optionEnds(bytes: Uint8Array): ReadonlySet<number> {
  const ends = new Set([4]);
  for (let at = 4; at < bytes.length; at += 4 + ((bytes[at + 2]! << 8) | bytes[at + 3]!)) ends.add(at);
  return ends;
}

test("a Reply of 64 kB with 2000 prefixes costs little and gives a bounded number of prefixes", () => {
  const options = Array.from({ length: 2000 }, (_, i): Dhcpv6Option => {
    const value = `2605:59c8:${(i + 1).toString(16)}::/56` as never;
    return { kind: "ia-prefix", prefix: value, preferred: 150 as Seconds, valid: 300 as Seconds, options: [] };
  });
  const script = bound().pass(76);
  const start = performance.now();
  script.answer("reply", { ...iaPd(HOME), options });
  assert.ok(script.prefixes.length <= 16);
  assert.ok(performance.now() - start < 500);
});

test("whatever is ignored is said in a note of level debug", () => {
  const script = bound();
  script.hear(Uint8Array.of(99)).hear(answerTo(script.last.message, "renew" as Dhcpv6Kind));
  const ignored = script.notes.filter(({ event }) => event === "dhcpv6.ignored");
  assert.equal(ignored.length, 2);
  assert.ok(ignored.every(({ level }) => level === "debug"));
});
