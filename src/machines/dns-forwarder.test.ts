import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip6 } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { OPCODE, RCODE, RR_CLASS, RR_TYPE } from "../wire/dns.ts";
import { aaaa, answer, EDNS, ForwarderWorld, query, soa } from "./dns-forwarder.fixture.ts";
import { STREAM } from "./dns-forwarder.ts";
import { rebinding } from "./dns-rebinding.ts";
import { HomeAddresses } from "./home-addresses.ts";

const NAME = "www.example.org";
const ADDRESS = "2a0d:7f00:1::80";

test("[DNS-2] an answer is taken only with the id, name, type and class of the question; others are counted", () => {
  const world = new ForwarderWorld();
  const replies = world.ask(query(NAME));
  const [sent] = world.sent;
  const { message } = sent!;
  const good = { answers: [aaaa(NAME, ADDRESS)] };
  const forged = [
    answer(sent!, { ...good, id: message.id ^ 1 }),
    answer(sent!, { ...good, questions: [{ ...message.questions[0]!, name: "www.example.net" }] }),
    answer(sent!, { ...good, questions: [{ ...message.questions[0]!, type: RR_TYPE.A }] }),
    answer(sent!, { ...good, questions: [{ ...message.questions[0]!, class: RR_CLASS.CH }] }),
    answer(sent!, { ...good, questions: [] }),
    answer(sent!, { ...good, flags: message.flags }),
    answer(sent!, { ...good, opcode: OPCODE.NOTIFY }),
  ];
  for (const each of forged) world.hear(sent, each);
  assert.equal(replies.length, 0);
  assert.equal(world.forwarder.counters.strangers, forged.length);
  world.hear(sent, answer(sent!, good));
  assert.deepEqual(replies[0]?.answers, [aaaa(NAME, ADDRESS)]);
  assert.equal(replies[0]?.id, 7);
});

test("[DNS-2] whoever guesses is left for TCP after sixteen wrong answers", () => {
  const world = new ForwarderWorld();
  const replies = world.ask(query(NAME));
  for (let i = 0; i < 16; i++) world.hear(world.sent[0], answer(world.sent[0]!, { id: i }));
  assert.equal(world.sent[0]?.isClosed, true);
  assert.equal(world.sent[1]?.transport, "tcp");
  world.hear(world.sent[1], answer(world.sent[1]!, { answers: [aaaa(NAME, ADDRESS)] }));
  assert.equal(replies.length, 1);
});

test("[DNS-2] equal questions on their way are one, whatever their case; each client has its own id and case back", () => {
  const world = new ForwarderWorld();
  const first = world.ask(query("WWW.example.org", { id: 1 }));
  const second = world.ask(query("www.EXAMPLE.org", { id: 2 }));
  assert.equal(world.sent.length, 1);
  world.hear(world.sent[0], answer(world.sent[0]!, { answers: [aaaa("WWW.example.org", ADDRESS)] }));
  assert.deepEqual([first[0]?.id, first[0]?.questions[0]?.name], [1, "WWW.example.org"]);
  assert.deepEqual([second[0]?.id, second[0]?.questions[0]?.name], [2, "www.EXAMPLE.org"]);
});

test("[DNS-18] the case of a name goes upstream as the client wrote it, and a resolver that changes it is understood", () => {
  const world = new ForwarderWorld();
  const replies = world.ask(query("wWw.eXample.org"));
  const [sent] = world.sent;
  assert.equal(sent?.message.questions[0]?.name, "wWw.eXample.org");
  world.hear(sent, answer(sent!, { questions: [{ ...sent!.message.questions[0]!, name: NAME }], answers: [aaaa(NAME, ADDRESS)] }));
  assert.equal(replies[0]?.questions[0]?.name, "wWw.eXample.org");
});

test("[DNS-3] a truncated answer is asked for by TCP; what is too long for the client is cut with TC", () => {
  const world = new ForwarderWorld();
  const replies = world.ask(query(NAME));
  world.hear(world.sent[0], answer(world.sent[0]!, { flags: { ...world.sent[0]!.message.flags, response: true, truncated: true } }));
  assert.equal(world.sent[1]?.transport, "tcp");
  const many = Array.from({ length: 60 }, (_, i) => aaaa(NAME, `2a0d:7f00:1::${i + 1}`));
  world.hear(world.sent[1], answer(world.sent[1]!, { answers: many }));
  assert.deepEqual([replies[0]?.flags.truncated, replies[0]?.answers.length], [true, 0]);
  assert.equal(world.ask(query(NAME, { edns: { ...EDNS, size: 4096 } }))[0]?.answers.length, 60);
  const byStream = world.ask(query(NAME), { room: STREAM });
  assert.deepEqual([byStream[0]?.flags.truncated, byStream[0]?.answers.length], [false, 60]);
});

test("[DNS-4] upstream has our own OPT of 1232 octets; the client has one only if it sent one; options are not passed", () => {
  const world = new ForwarderWorld();
  const options = [{ code: 10, octets: new Uint8Array(8) }];
  const replies = world.ask(query(NAME, { edns: { ...EDNS, size: 4096, dnssecOk: true, options } }));
  const [sent] = world.sent;
  assert.deepEqual(sent?.message.edns, { ...EDNS, dnssecOk: true });
  world.hear(sent, answer(sent!, { answers: [aaaa(NAME, ADDRESS)] }));
  assert.deepEqual(replies[0]?.edns, { ...EDNS, dnssecOk: true });
  const plain = world.ask(query(NAME));
  world.hear(world.sent[1], answer(world.sent[1]!, { answers: [aaaa(NAME, ADDRESS)] }));
  assert.equal(plain[0]?.edns, undefined);
});

test("[DNS-4] a version above 0 is answered with BADVERS", () => {
  const world = new ForwarderWorld();
  const [reply] = world.ask(query(NAME, { edns: { ...EDNS, version: 1 } }));
  assert.deepEqual([reply?.rcode, reply?.edns?.version, world.sent.length], [RCODE.BADVERS, 0, 0]);
});

test("[DNS-4] after FORMERR the question is asked again without EDNS, and of this resolver all others too", () => {
  const world = new ForwarderWorld();
  const replies = world.ask(query(NAME, { edns: EDNS }));
  const { edns, ...bare } = world.sent[0]!.message;
  assert.ok(edns);
  world.hear(world.sent[0], answer({ message: bare }, { rcode: RCODE.FORMERR }));
  assert.equal(world.sent[1]?.message.edns, undefined);
  world.hear(world.sent[1], answer(world.sent[1]!, { answers: [aaaa(NAME, ADDRESS)] }));
  assert.equal(replies[0]?.answers.length, 1);
  world.ask(query("other.example.org"));
  assert.equal(world.sent[2]?.message.edns, undefined);
});

test("[DNS-4] a resolver that drops what has EDNS is asked without it", () => {
  const world = new ForwarderWorld();
  const replies = world.ask(query(NAME));
  world.pass(1700);
  const without = world.sent.find(({ message }) => message.edns === undefined);
  assert.ok(without, `${world.sent.length} were sent`);
  world.hear(without, answer(without, { answers: [aaaa(NAME, ADDRESS)] }));
  assert.equal(replies.length, 1);
});

test("[DNS-5] AD, CD, DO and the reserved flag pass, both ways; answers with other flags are kept apart", () => {
  const world = new ForwarderWorld();
  const flags = { ...world.ask(query("a."))[0]?.flags };
  assert.deepEqual(flags, {});
  const asked = { ...world.sent[0]!.message.flags, checkingDisabled: true, reserved: true, authenticData: true };
  const replies = world.ask(query(NAME, { flags: asked, edns: { ...EDNS, dnssecOk: true } }));
  const sent = world.sent.at(-1)!;
  assert.deepEqual([sent.message.flags.checkingDisabled, sent.message.flags.reserved, sent.message.edns?.dnssecOk], [true, true, true]);
  world.hear(sent, answer(sent, { flags: { ...sent.message.flags, response: true, authenticData: true }, answers: [aaaa(NAME, ADDRESS)] }));
  const [reply] = replies;
  assert.deepEqual([reply?.flags.authenticData, reply?.flags.checkingDisabled, reply?.flags.reserved], [true, true, true]);
  const count = world.sent.length;
  world.ask(query(NAME));
  assert.equal(world.sent.length, count + 1, "without CD and DO it is another question");
});

test("[DNS-5] types and classes that nobody knows pass with their data unchanged", () => {
  const world = new ForwarderWorld();
  const data = { kind: "opaque", octets: Uint8Array.of(1, 2, 0xc0, 12) } as const;
  const strange = { name: NAME, type: 65_280, class: 65_000, ttl: 5, data };
  const replies = world.ask(query(NAME, { questions: [{ name: NAME, type: 65_280, class: 65_000 }] }));
  world.hear(world.sent[0], answer(world.sent[0]!, { answers: [strange] }));
  assert.deepEqual(replies[0]?.answers, [strange]);
});

test("[DNS-6] updates, notifications, transfers and signed questions are refused and go nowhere", () => {
  const world = new ForwarderWorld();
  const tsig = {
    name: "key",
    type: RR_TYPE.TSIG,
    class: RR_CLASS.ANY,
    ttl: 0,
    data: { kind: "opaque", octets: new Uint8Array(20) },
  } as const;
  for (const changes of [{ opcode: OPCODE.UPDATE }, { opcode: OPCODE.NOTIFY }, { additionals: [tsig] }, { type: RR_TYPE.AXFR }]) {
    assert.equal(world.ask(query(NAME, changes))[0]?.rcode, RCODE.REFUSED, JSON.stringify(changes));
  }
  assert.equal(world.ask(query(NAME, { opcode: 2 }))[0]?.rcode, RCODE.NOTIMP);
  assert.equal(world.sent.length, 0);
});

test("[DNS-7] TTLs count down, and the question is asked again when the shortest has passed", () => {
  const world = new ForwarderWorld();
  world.ask(query(NAME));
  world.hear(world.sent[0], answer(world.sent[0]!, { answers: [aaaa(NAME, ADDRESS, 300), aaaa(NAME, `${ADDRESS}0`, 20)] }));
  world.pass(7000);
  const [reply] = world.ask(query(NAME));
  assert.deepEqual(
    reply?.answers.map(({ ttl }) => ttl),
    [293, 13],
  );
  world.pass(12_999);
  assert.equal(world.ask(query(NAME)).length, 1);
  world.pass(1);
  assert.equal(world.ask(query(NAME)).length, 0);
  assert.equal(world.sent.length, 2);
});

test("[DNS-7] a negative answer is kept as long as its SOA says, 3 h at most; without SOA not at all; SERVFAIL for 5 s", () => {
  const keptFor = (changes: Parameters<typeof answer>[1], name = NAME): number => {
    const world = new ForwarderWorld();
    world.ask(query(name));
    world.hear(world.sent[0], answer(world.sent[0]!, changes));
    let kept = 0;
    for (; kept < 20_000 && world.ask(query(name)).length > 0; kept += 5) world.pass(5000);
    return kept;
  };
  const rcode = RCODE.NXDOMAIN;
  assert.equal(keptFor({ rcode, authorities: [soa("org", 600, 60)] }), 60);
  assert.equal(keptFor({ rcode, authorities: [soa("org", 30, 60)] }), 30);
  assert.equal(keptFor({ authorities: [soa("org", 86_400, 86_400)] }), 10_800);
  assert.equal(keptFor({ rcode }), 0);
  assert.equal(keptFor({ rcode: RCODE.SERVFAIL }), 5);
});

test("[DNS-7] nothing is asked for below a name that does not exist", () => {
  const world = new ForwarderWorld();
  world.ask(query("gone.example.org"));
  world.hear(world.sent[0], answer(world.sent[0]!, { rcode: RCODE.NXDOMAIN, authorities: [soa("example.org", 600, 60)] }));
  world.pass(10_000);
  const [reply] = world.ask(query("a.b.Gone.example.org", { type: RR_TYPE.A }));
  assert.deepEqual([reply?.rcode, reply?.authorities[0]?.ttl, world.sent.length], [RCODE.NXDOMAIN, 50, 1]);
  assert.equal(world.ask(query("begone.example.org")).length, 0);
});

test("[DNS-8] without upstream a stale answer serves after 1.8 s with TTL 30, then at once, and upstream is tried again after 30 s", () => {
  const world = new ForwarderWorld();
  world.ask(query(NAME));
  world.hear(world.sent[0], answer(world.sent[0]!, { answers: [aaaa(NAME, ADDRESS, 60)] }));
  world.pass(61_000);
  const replies = world.ask(query(NAME));
  world.pass(1799);
  assert.equal(replies.length, 0);
  world.pass(1);
  assert.deepEqual([replies[0]?.answers[0]?.ttl, replies.length], [30, 1]);
  world.pass(8000);
  const sent = world.sent.length;
  assert.equal(world.ask(query(NAME))[0]?.answers[0]?.ttl, 30);
  assert.equal(world.sent.length, sent);
  world.pass(30_000);
  assert.equal(world.ask(query(NAME)).length, 0);
  assert.ok(world.sent.length > sent);
  const late = world.sent.at(-1)!;
  world.hear(late, answer(late, { answers: [aaaa(NAME, ADDRESS, 60)] }));
  assert.equal(world.ask(query(NAME))[0]?.answers[0]?.ttl, 60);
});

test("[DNS-9] a resolver that does not answer costs half a second once; then it is only tried beside one that does", () => {
  const world = new ForwarderWorld(2);
  const replies = world.ask(query("first.example.org"));
  const bySecond = () => world.sent.filter(({ upstream }) => upstream.endsWith("::2"));
  assert.equal(bySecond().length, 1, "nothing is known of either: both are asked");
  world.hear(bySecond()[0], answer(bySecond()[0]!, { answers: [aaaa("first.example.org", ADDRESS)] }));
  assert.equal(replies.length, 1);
  world.pass(1000);
  const before = world.sent.length;
  const next = world.ask(query(NAME));
  assert.deepEqual(
    world.sent.slice(before).map(({ upstream }) => upstream.at(-1)),
    ["2"],
  );
  world.hear(world.sent.at(-1), answer(world.sent.at(-1)!, { answers: [aaaa(NAME, ADDRESS)] }));
  assert.equal(next.length, 1);
});

test("[DNS-9] where the network says that nobody is there, the next resolver is asked at once; where all are gone, SERVFAIL", () => {
  const world = new ForwarderWorld(2);
  const replies = world.ask(query(NAME));
  for (let i = 0; i < 10 && replies.length === 0; i++) for (const sent of world.sent.slice()) sent.ears.failed(world.now);
  assert.equal(replies[0]?.rcode, RCODE.SERVFAIL);
  const none = new ForwarderWorld(0);
  assert.equal(none.ask(query(NAME))[0]?.rcode, RCODE.SERVFAIL);
});

test("[DNS-9] when resolvers are replaced, what was on its way goes to the new ones", () => {
  const world = new ForwarderWorld(1);
  const replies = world.ask(query(NAME));
  world.forwarder.setUpstreams([{ kind: "plain", address: ip6("2a0d:7f00:2::1"), port: 53 }], world.now);
  const last = world.sent.at(-1)!;
  assert.equal(last.upstream, "2a0d:7f00:2::1");
  world.hear(last, answer(last, { answers: [aaaa(NAME, ADDRESS)] }));
  assert.equal(replies.length, 1);
});

test("[DNS-16] an answer that points into the home is refused, but for excepted names", () => {
  const home = new HomeAddresses();
  home.hold([prefix("2605:59c8:1200::/56")]);
  const world = new ForwarderWorld(1, { objection: (asked, response) => rebinding(asked, response, home, ["direct.example"]) });
  const rcodeOf = (name: string, address: string): number | undefined => {
    const replies = world.ask(query(name));
    world.hear(world.sent.at(-1), answer(world.sent.at(-1)!, { answers: [aaaa(name, address)] }));
    return replies[0]?.rcode;
  };
  const inside = ["fd00::1", "fe80::1", "::1", "::", "::ffff:192.168.1.1", "::ffff:127.0.0.1", "2605:59c8:1200:ff::1"];
  for (const [index, address] of inside.entries()) assert.equal(rcodeOf(`evil${index}.example`, address), RCODE.REFUSED, address);
  assert.equal(rcodeOf("good.example", "2605:59c8:1201::1"), RCODE.NOERROR);
  assert.equal(rcodeOf("a.direct.example", "fd00::1"), RCODE.NOERROR);
  assert.equal(world.objected.length, inside.length);
});

test("[DNS-15] what is no question has FORMERR or nothing: no question, two questions, answers, loops, half a message", () => {
  const world = new ForwarderWorld();
  const loop = Uint8Array.of(...query(NAME).subarray(0, 12), 0xc0, 12, 0, 1, 0, 1);
  const two = { name: NAME, type: 1, class: 1 };
  for (const bytes of [query(NAME, { questions: [] }), query(NAME, { questions: [two, two] }), loop, query(NAME).subarray(0, 20)]) {
    assert.equal(world.ask(bytes)[0]?.rcode, RCODE.FORMERR);
  }
  assert.equal(world.ask(answer({ message: world.ask(query(NAME, { questions: [] }))[0]! })).length, 0);
  assert.equal(world.ask(new Uint8Array(5)).length, 0);
  assert.equal(world.sent.length, 0);
});

test("[DNS-15] whatever clients and resolvers send, nothing is thrown and the next question is answered", () => {
  const mutate = (bytes: Uint8Array, changes: readonly (readonly [number, number])[]): Uint8Array => {
    const copy = bytes.slice();
    for (const [at, octet] of changes) copy[at % copy.length] = octet;
    return copy;
  };
  const changes = fc.array(fc.tuple(fc.nat({ max: 120 }), fc.nat({ max: 255 })), { maxLength: 5 });
  fc.assert(
    fc.property(fc.boolean(), changes, changes, fc.nat({ max: 100 }), (edns, asked, answered, cut) => {
      const world = new ForwarderWorld();
      world.ask(mutate(query(NAME, edns ? { edns: EDNS } : {}), asked));
      for (const sent of world.sent.slice()) {
        const bytes = mutate(answer(sent, { answers: [aaaa(NAME, ADDRESS)], authorities: [soa("org", 1, 1)] }), answered);
        world.hear(sent, bytes.subarray(0, bytes.length - (cut < 50 ? 0 : cut - 50)));
      }
      world.pass(7000);
      const replies = world.ask(query("next.example.org"));
      world.hear(world.sent.at(-1), answer(world.sent.at(-1)!, { answers: [aaaa("next.example.org", ADDRESS)] }));
      assert.equal(replies[0]?.answers.length, 1);
    }),
    { numRuns: 500 },
  );
});

test("[DNS-17] a question for everything has one small answer, and nobody is asked", () => {
  const world = new ForwarderWorld();
  const [reply] = world.ask(query(NAME, { type: RR_TYPE.ANY }));
  assert.deepEqual([reply?.answers.length, reply?.answers[0]?.type, world.sent.length], [1, RR_TYPE.HINFO, 0]);
});

test("[ROB-8] questions on their way are bounded, those of one client more narrowly, and the cache is", () => {
  const world = new ForwarderWorld();
  const failed = Array.from({ length: 200 }, (_, i) => world.ask(query(`n${i}.example.org`), { who: "one" })).filter(([reply]) => reply);
  assert.equal(failed.length, 72);
  assert.equal(world.ask(query(NAME), { who: "other" }).length, 0);
  for (let i = 0; i < 1000; i++) world.ask(query(`m${i}.example.org`), { who: `client${i % 50}` });
  assert.equal(world.forwarder.pending, 512);
});

test("[ROB-8] the cache keeps what is asked for and stays within its bounds", () => {
  const world = new ForwarderWorld();
  for (let i = 0; i < 25_000; i++) {
    const name = `n${i}.example.org`;
    world.ask(query(name));
    const sent = world.sent.pop()!;
    world.hear(sent, answer(sent, { answers: [aaaa(name, ADDRESS)] }));
    if (i % 100 === 0) world.ask(query("n0.example.org"));
  }
  assert.ok(world.forwarder.cache.size <= 20_000);
  assert.ok(world.forwarder.cache.octets <= 16 << 20);
  assert.equal(world.ask(query("n0.example.org"))[0]?.answers.length, 1);
});
