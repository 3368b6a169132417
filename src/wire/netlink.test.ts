import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WireError } from "./bytes.ts";
import { decodeAttributes, decodeNetlink, decodeVerdict, hostText, hostUint32, NetlinkWriter, NLMSG_ERROR } from "./netlink.ts";

test("what the writer wrote is read back, message by message and attribute by attribute", () => {
  const content = fc.array(
    fc.record(
      {
        type: fc.nat(0xffff),
        flags: fc.nat(0xffff),
        sequence: fc.nat(0xffffffff),
        attributes: fc.uniqueArray(fc.tuple(fc.nat(0x3fff), fc.uint8Array({ maxLength: 40 })), { selector: ([type]) => type }),
      },
      { noNullPrototype: true },
    ),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(content, (messages) => {
      const writer = new NetlinkWriter(16);
      for (const message of messages) {
        writer.begin(message.type, message.flags, message.sequence);
        for (const [type, value] of message.attributes) writer.attribute(type, value);
        writer.end();
      }
      const read = decodeNetlink(writer.finish());
      assert.deepEqual(
        read.map(({ type, flags, sequence, payload }) => ({ type, flags, sequence, attributes: [...decodeAttributes(payload)] })),
        messages.map((message) => ({ ...message, attributes: message.attributes.map(([type, value]) => [type, value]) })),
      );
    }),
  );
});

test("a nested attribute holds what was written inside it", () => {
  const writer = new NetlinkWriter();
  writer
    .begin(1, 0, 1)
    .nest(8, () => writer.attributeUint32(2, 1400).attributeText(3, "eth0"))
    .end();
  const inner = decodeAttributes(decodeAttributes(decodeNetlink(writer.finish())[0]!.payload).get(8)!);
  assert.equal(hostUint32(inner.get(2)!, 0), 1400);
  assert.equal(hostText(inner.get(3)!), "eth0");
});

test("a refusal is read with the kernel's own explanation", () => {
  const writer = new NetlinkWriter();
  writer.begin(NLMSG_ERROR, 0x300, 7).uint32(-22 >>> 0);
  for (let i = 0; i < 4; i++) writer.uint32(0);
  writer.attributeText(1, "Invalid prefix length").end();
  assert.deepEqual(decodeVerdict(decodeNetlink(writer.finish())[0]!), { errno: 22, text: "Invalid prefix length" });
});

test("arbitrary octets are read or refused with a WireError, and nothing else happens", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      try {
        for (const message of decodeNetlink(bytes)) {
          decodeAttributes(message.payload);
          decodeVerdict(message);
        }
      } catch (error) {
        assert.ok(error instanceof WireError);
      }
    }),
  );
});
