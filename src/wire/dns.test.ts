import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip4, ip6 } from "../addr/ip.ts";
import { WireError } from "./bytes.ts";
import {
  decodeDns,
  type DnsMessage,
  type DnsRecord,
  encodeDns,
  NO_FLAGS,
  OPCODE,
  RCODE,
  type RecordData,
  RR_CLASS,
  RR_TYPE,
} from "./dns.ts";
import { formatName, isSameName, isWithin, labelsOf, lowerName, parentOf, parseName } from "./dns-name.ts";

const bytes = (...parts: readonly (number | string)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : Array.from(part, (letter) => letter.charCodeAt(0)))));
const HEADER = [0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
const QUESTION = [7, "Example", 3, "org", 0, 0, 28, 0, 1] as const;

const octets = (most: number) => fc.uint8Array({ maxLength: most });
const uint16 = fc.nat({ max: 0xffff });
const uint32 = fc.nat({ max: 0xffff_ffff });
const name = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 12 }), { maxLength: 6 })
  .map((labels) => formatName(Uint8Array.from([...labels.flatMap((label) => [label.length, ...label]), 0])));
const typed = (type: number, data: fc.Arbitrary<RecordData>) => fc.record({ type: fc.constant(type), data }, { noNullPrototype: true });
const record: fc.Arbitrary<DnsRecord> = fc
  .oneof(
    typed(RR_TYPE.A, fc.constant({ kind: "a", address: ip4("192.0.2.1") })),
    typed(RR_TYPE.AAAA, fc.constant({ kind: "aaaa", address: ip6("2001:db8::1") })),
    typed(
      RR_TYPE.CNAME,
      name.map((target) => ({ kind: "name", target })),
    ),
    typed(
      RR_TYPE.SOA,
      fc
        .tuple(name, name, uint32, uint32)
        .map(([mname, rname, serial, minimum]) => ({ kind: "soa", mname, rname, serial, refresh: 1, retry: 2, expire: 3, minimum })),
    ),
    typed(
      RR_TYPE.TXT,
      fc.array(octets(255), { maxLength: 3 }).map((strings) => ({ kind: "txt", strings })),
    ),
    typed(
      RR_TYPE.SRV,
      fc.tuple(uint16, name).map(([port, target]) => ({ kind: "srv", priority: 1, weight: 2, port, target })),
    ),
    typed(
      65_280,
      octets(40).map((data) => ({ kind: "opaque", octets: data })),
    ),
  )
  .chain((part) => fc.record({ name, ttl: uint32 }, { noNullPrototype: true }).map((head) => ({ ...head, class: RR_CLASS.IN, ...part })));
const records = fc.array(record, { maxLength: 4 });
const flag = fc.boolean();
const message: fc.Arbitrary<DnsMessage> = fc
  .record({
    id: uint16,
    flags: fc.tuple(flag, flag).map(([response, checkingDisabled]) => ({ ...NO_FLAGS, response, checkingDisabled })),
    opcode: fc.nat({ max: 15 }),
    questions: fc.array(fc.record({ name, type: uint16, class: uint16 }, { noNullPrototype: true }), { maxLength: 2 }),
    answers: records,
    authorities: records,
    additionals: records,
  })
  .chain((plain) =>
    fc.oneof(
      fc.nat({ max: 15 }).map((rcode) => ({ ...plain, rcode })),
      fc.tuple(fc.nat({ max: 0xfff }), uint16, flag, octets(9)).map(([rcode, size, dnssecOk, data]) => ({
        ...plain,
        rcode,
        edns: { size, version: 0, dnssecOk, flags: 0, options: [{ code: 10, octets: data }] },
      })),
    ),
  );

test("a message reads as it was written", () => {
  fc.assert(fc.property(message, (each) => assert.deepEqual(decodeDns(encodeDns(each)), each)));
});

test("[DNS-15] octets that are no message give a WireError and nothing else, whatever they are", () => {
  const mutated = fc
    .tuple(message.map(encodeDns), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 }))
    .map(([valid, changes]) => {
      for (const [at, octet] of changes) valid[at % valid.length] = octet;
      return valid;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (each) => {
      try {
        decodeDns(each);
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test("[DNS-15] pointers that lead forwards or in circles, labels above 63 octets, names above 255 and wrong counts are refused", () => {
  const tail = [0, 1, 0, 1];
  const refused: Readonly<Record<string, Uint8Array>> = {
    "a pointer to itself": bytes(...HEADER, 0xc0, 12, ...tail),
    "a pointer forwards": bytes(...HEADER, 0xc0, 14, 0, ...tail),
    "two pointers in a circle": bytes(...HEADER, 1, "a", 0xc0, 12, ...tail),
    "half a pointer": bytes(...HEADER, 0xc0),
    "a label of 64 octets": bytes(...HEADER, 64, "a".repeat(64), 0, ...tail),
    "a name of 256 octets": bytes(...HEADER, ...[62, 62, 62, 62].flatMap((length) => [length, "a".repeat(length)]), 2, "ab", 0, ...tail),
    "a label without end": bytes(...HEADER, 9, "a"),
    "more questions than there are": bytes(...HEADER.with(5, 2), ...QUESTION),
    "more answers than there are": bytes(...HEADER.with(7, 1), ...QUESTION),
    "octets behind the end": bytes(...HEADER, ...QUESTION, 0),
    "a header cut short": bytes(...HEADER).slice(0, 11),
    "an address of three octets": bytes(...HEADER.with(7, 1), ...QUESTION, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 3, 1, 2, 3),
  };
  for (const [what, message] of Object.entries(refused)) assert.throws(() => decodeDns(message), WireError, what);
});

test("[DNS-18] names keep their case, and are compared without it", () => {
  const decoded = decodeDns(bytes(...HEADER, ...QUESTION));
  assert.deepEqual(decoded.questions, [{ name: "Example.org", type: RR_TYPE.AAAA, class: RR_CLASS.IN }]);
  assert.deepEqual(encodeDns(decoded), bytes(...HEADER, ...QUESTION));
  assert.ok(isSameName("Example.ORG", "eXample.org"));
  assert.equal(lowerName("Example\\.A.org"), "example\\.a.org");
});

test("a name that ends like one before it points there", () => {
  const question = { name: "www.example.org", type: RR_TYPE.A, class: RR_CLASS.IN };
  const answer = {
    name: "www.example.org",
    type: RR_TYPE.CNAME,
    class: RR_CLASS.IN,
    ttl: 60,
    data: { kind: "name", target: "web.example.org" },
  } as const;
  const encoded = encodeDns({
    id: 1,
    flags: NO_FLAGS,
    opcode: OPCODE.QUERY,
    rcode: RCODE.NOERROR,
    questions: [question],
    answers: [answer],
    authorities: [],
    additionals: [],
  });
  assert.deepEqual(encoded.slice(33), bytes(0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 6, 3, "web", 0xc0, 16));
});

test("names within the data of MX lose their pointers, so that the record may be written elsewhere", () => {
  const mx = bytes(...HEADER.with(7, 1), ...QUESTION, 0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 9, 0, 6, 0, 10, 1, "m", 0xc0, 12);
  const [answer] = decodeDns(mx).answers;
  assert.deepEqual(answer?.data, { kind: "opaque", octets: bytes(0, 10, 1, "m", 7, "Example", 3, "org", 0) });
});

test("the parts of a name, with dots that belong to a label", () => {
  assert.deepEqual(labelsOf("a\\.b.example.org"), ["a\\.b", "example", "org"]);
  assert.equal(parentOf("a\\.b.example.org"), "example.org");
  assert.equal(parentOf("org"), "");
  assert.equal(parentOf(""), undefined);
  assert.ok(isWithin("Www.Example.org", "example.ORG"));
  assert.ok(isWithin("example.org", "example.org"));
  assert.ok(isWithin("org", ""));
  assert.ok(!isWithin("badexample.org", "example.org"));
  assert.ok(!isWithin("bad\\.example.org", "example.org"));
  assert.deepEqual(parseName("a\\.b.\\000c."), bytes(3, "a.b", 2, 0, "c", 0));
  for (const none of ["a..b", ".", "a".repeat(64), "\\256", `${"abcdefg.".repeat(32)}a`]) assert.equal(parseName(none), undefined, none);
});
