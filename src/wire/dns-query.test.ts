import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WireError } from "./bytes.ts";
import { decodeDns, type DnsMessage, encodeDns, NO_FLAGS, OPCODE, RCODE, RR_CLASS, RR_TYPE } from "./dns.ts";
import { QueryScan } from "./dns-query.ts";

const EDNS = { size: 1400, version: 0, dnssecOk: false, flags: 0, options: [] };

function query(name: string, changes: Partial<DnsMessage> = {}): Uint8Array {
  return encodeDns({
    id: 1,
    flags: { ...NO_FLAGS, recursionDesired: true },
    opcode: OPCODE.QUERY,
    rcode: RCODE.NOERROR,
    questions: [{ name, type: RR_TYPE.AAAA, class: RR_CLASS.IN }],
    answers: [],
    authorities: [],
    additionals: [],
    ...changes,
  });
}

/** The key of a query, undefined when it is no plain one; the query stands in the middle of other octets. */
function keyOf(bytes: Uint8Array): string | undefined {
  const slot = new Uint8Array(bytes.length + 40).fill(0xff);
  slot.set(bytes, 20);
  const scan = new QueryScan(1);
  return scan.read(slot, 20, 20 + bytes.length) ? `${scan.hash} ${Array.from(scan.key.subarray(0, scan.keyLength)).join()}` : undefined;
}

test("[DNS-2] equal questions have equal keys, whatever their case, id and EDNS; others have others", () => {
  const same = [query("www.example.org"), query("WWW.Example.org", { id: 9 }), query("www.example.org", { edns: EDNS })];
  assert.equal(new Set(same.map(keyOf)).size, 1);
  const flags = { ...NO_FLAGS, recursionDesired: true };
  const others = [
    query("www.example.net"),
    query("wwwexample.org"),
    query("www.example.org", { questions: [{ name: "www.example.org", type: RR_TYPE.A, class: RR_CLASS.IN }] }),
    query("www.example.org", { questions: [{ name: "www.example.org", type: RR_TYPE.AAAA, class: RR_CLASS.CH }] }),
    query("www.example.org", { edns: { ...EDNS, dnssecOk: true } }),
    query("www.example.org", { flags: { ...flags, checkingDisabled: true } }),
    query("www.example.org", { flags: { ...flags, reserved: true } }),
    query("www.example.org", { flags: NO_FLAGS }),
  ];
  assert.equal(new Set([same[0]!, ...others].map(keyOf)).size, others.length + 1);
});

test("what is no plain question is left to the slow way: answers, updates, two questions, records, later versions of EDNS, octets behind the end", () => {
  const twice = { name: "a", type: 1, class: 1 };
  const slow = [
    query("a", { flags: { ...NO_FLAGS, response: true } }),
    query("a", { opcode: OPCODE.UPDATE }),
    query("a", { questions: [] }),
    query("a", { questions: [twice, twice] }),
    query("a", { additionals: [{ ...twice, type: RR_TYPE.TSIG, ttl: 0, data: { kind: "opaque", octets: new Uint8Array(3) } }] }),
    query("a", { edns: { ...EDNS, version: 1 } }),
    Uint8Array.of(...query("a"), 0),
    query("a").subarray(0, 17),
  ];
  for (const [index, bytes] of slow.entries()) assert.equal(keyOf(bytes), undefined, `case ${index}`);
});

test("[DNS-15] whatever octets come, a query that is taken is one that decodes, with the same question", () => {
  const mutated = fc
    .tuple(fc.boolean(), fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 255 })), { maxLength: 4 }))
    .map(([edns, changes]) => {
      const bytes = query("www.Example.org", edns ? { edns: EDNS } : {});
      for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), mutated), (bytes) => {
      const scan = new QueryScan(1);
      if (!scan.read(bytes, 0, bytes.length)) return;
      try {
        const { questions, edns } = decodeDns(bytes);
        assert.equal(questions.length, 1);
        assert.equal(scan.type, questions[0]!.type);
        assert.equal(scan.hasEdns, edns !== undefined);
        assert.equal(scan.udpSize, Math.max(512, edns?.size ?? 512));
      } catch (error) {
        // Options are ignored, also those that are cut short.
        assert.ok(error instanceof WireError && scan.hasEdns, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});
