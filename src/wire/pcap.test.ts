import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WireError } from "./bytes.ts";
import { type CapturedFrame, decodeCapture } from "./pcap.ts";
import { encodeCapturedFrame, encodeCaptureHeader } from "./pcapng.ts";

const names = ["wan0", "lan0", "br-häuschen"];
const frame: fc.Arbitrary<CapturedFrame> = fc
  .tuple(
    fc.constantFrom(...names),
    fc.bigInt({ min: 0n, max: 2n ** 62n }),
    fc.option(fc.constantFrom("in" as const, "out" as const), { nil: undefined }),
    fc.uint8Array(),
    fc.nat(9000),
  )
  .map(([name, time, direction, bytes, more]) => ({
    interface: name,
    time,
    ...(direction && { direction }),
    bytes,
    length: bytes.length + more,
  }));

const encode = (frames: readonly CapturedFrame[]): Uint8Array =>
  Buffer.concat([encodeCaptureHeader(names), ...frames.map((one) => encodeCapturedFrame(one, names.indexOf(one.interface)))]);

test("frames come back from a pcapng capture with interface, direction and nanoseconds", () => {
  fc.assert(fc.property(fc.array(frame, { maxLength: 10 }), (frames) => assert.deepEqual(decodeCapture(encode(frames)), frames)));
});

test("a pcapng capture that is still growing gives the frames that are complete", () => {
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 31 }), (frames, missing) => {
      assert.deepEqual(decodeCapture(encode(frames).subarray(0, -missing)), frames.slice(0, -1));
    }),
  );
});

test("whatever octets come, the capture decoder returns frames or throws a WireError", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.array(frame, { maxLength: 4 }).map(encode), fc.constant(classic({ littleEndian: true, magic: 0xa1b2c3d4 }))),
      fc.array(fc.tuple(fc.nat(), fc.nat(0xff)), { maxLength: 8 }),
      (bytes, changes) => {
        const damaged = Uint8Array.from(bytes);
        for (const [at, octet] of changes) damaged[at % damaged.length] = octet;
        try {
          decodeCapture(damaged);
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("classic captures are read in both byte orders and resolutions", () => {
  for (const littleEndian of [true, false]) {
    for (const [magic, nanoseconds] of [
      [0xa1b2c3d4, 5_000_007_000n],
      [0xa1b23c4d, 5_000_000_007n],
    ] as const) {
      assert.deepEqual(decodeCapture(classic({ littleEndian, magic })), [
        { interface: "", time: nanoseconds, bytes: Uint8Array.of(1, 2, 3), length: 60 },
      ]);
    }
  }
});

test("a file of another kind and another link type are refused by name", () => {
  assert.throws(() => decodeCapture(new Uint8Array(64)), /no capture file/);
  assert.throws(() => decodeCapture(new Uint8Array(3)), WireError);
  assert.throws(() => decodeCapture(classic({ littleEndian: true, magic: 0xa1b2c3d4, linkType: 276 })), /link type 276/);
});

/** A capture of one frame of 60 octets that was cut to three, 5 seconds and 7 units after 1970. */
function classic(format: { littleEndian: boolean; magic: number; linkType?: number }): Uint8Array {
  const view = new DataView(new ArrayBuffer(24 + 16 + 3));
  const words = [format.magic, 0, 0, 0, 65535, format.linkType ?? 1, 5, 7, 3, 60];
  words.forEach((word, i) => view.setUint32(4 * i, word, format.littleEndian));
  const bytes = new Uint8Array(view.buffer);
  bytes.set([1, 2, 3], 40);
  return bytes;
}
