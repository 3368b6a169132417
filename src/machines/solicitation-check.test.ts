import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WireError } from "../wire/bytes.ts";
import { decodeNdp, ndpOptionOf } from "../wire/ndp.ts";
import { lookAtSolicitation } from "./solicitation-check.ts";

/** What the whole decoder makes of it. */
function judge(bytes: Uint8Array): ReturnType<typeof lookAtSolicitation> {
  try {
    const message = decodeNdp(bytes);
    return ndpOptionOf(message, "source-link-layer-address") ? "with-address" : "anonymous";
  } catch (error) {
    if (error instanceof WireError) return "invalid";
    throw error;
  }
}

test("[RA-6] the quick look at a solicitation judges as the decoder does", () => {
  const option = fc
    .record({ type: fc.constantFrom(1, 2, 3, 14), units: fc.constantFrom(0, 1, 1, 1, 2, 3), length: fc.constantFrom(8, 8, 8, 16, 5, 1) })
    .map(({ type, units, length }) => [type, units, ...new Array<number>(length).fill(0)].slice(0, length));
  const solicitation = fc
    .record({ code: fc.constantFrom(0, 0, 0, 1), options: fc.array(option, { maxLength: 3 }), cut: fc.constantFrom(0, 0, 0, 1, 9) })
    .map(({ code, options, cut }) =>
      Uint8Array.from([133, code, 0, 0, 0, 0, 0, 0, ...options.flat()]).slice(0, cut === 0 ? undefined : -cut),
    );
  const seen = new Set<string>();
  fc.assert(
    fc.property(solicitation, (bytes) => {
      if (bytes.length === 0) return;
      seen.add(judge(bytes));
      assert.equal(lookAtSolicitation(bytes), judge(bytes));
    }),
    { numRuns: 2000 },
  );
  assert.equal(seen.size, 3);
});
