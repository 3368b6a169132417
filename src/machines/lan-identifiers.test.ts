import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { prefix } from "../addr/prefix.ts";
import { after, type Instant, instant, milliseconds, seconds } from "../addr/time.ts";
import { createLanIdentifiers, type LanIdentifiersFact, type LanIdentifiersInput } from "./lan-identifiers.ts";
import type { Note } from "./machine.ts";
import { stableAddress } from "./stable-iid.ts";

const [ONE, OTHER] = [prefix("2605:59c8:1200::/64"), prefix("fd12:3456:789a::/64")];
const OPTIONS = { secret: new Uint8Array(32).fill(7), interfaceName: "lan" };
const LINK = { kind: "link", up: true, mac: mac("02:00:00:00:00:01") } as const;

/** The n-th address that is tried in a /64. */
const choice = (dadCounter: number, of = ONE): Ip6 => stableAddress({ ...OPTIONS, prefix: of, dadCounter });

class Lan {
  now: Instant = instant(1_000_000);
  fact: LanIdentifiersFact = [];
  readonly notes: Note[] = [];
  readonly #machine = createLanIdentifiers(OPTIONS);

  handle(input: LanIdentifiersInput): this {
    for (const output of this.#machine.handle(input, this.now)) {
      if (output.kind === "fact") this.fact = output.fact;
      if (output.kind === "note") this.notes.push(output);
    }
    return this;
  }

  /** Lets time pass; the machine is woken when it wants to be. */
  pass(span: Parameters<typeof after>[1]): this {
    const end = after(this.now, span);
    for (let at = this.#machine.wakeAt(); at !== undefined && at <= end; at = this.#machine.wakeAt()) {
      this.now = at;
      this.handle({ kind: "tick" });
    }
    this.now = end;
    return this;
  }

  refuse(address: Ip6): this {
    return this.handle({ kind: "duplicate", address });
  }

  /** Every address of the /64 is taken; a second after the last refusal. */
  refuseAll(): this {
    for (let n = 0; n <= 3; n++) this.refuse(choice(n)).pass(seconds(1));
    return this;
  }
}

test("[WRA-7] a LAN address that is taken is replaced after a second, three times, however often the kernel reports it", () => {
  const lan = new Lan().handle(LINK);
  for (let n = 0; n <= 3; n++) {
    for (let look = 0; look < 5; look++) lan.refuse(choice(n));
    assert.ok(lan.fact[0]!.replaceAt !== undefined, "it is not used any more");
    lan.pass(milliseconds(999));
    assert.equal(lan.fact[0]!.dadCounter, n);
    lan.refuse(choice(n)).pass(milliseconds(1));
    assert.deepEqual(lan.fact[0]!.dadCounter, n < 3 ? n + 1 : 3);
  }
  assert.equal(lan.fact[0]!.gaveUp, choice(3));
  assert.equal(lan.notes.length, 3, "and the plan reports the fourth");
  lan.pass(seconds(58));
  assert.ok(lan.fact[0]!.replaceAt !== undefined, "no fifth identifier");
  lan.pass(seconds(1));
  assert.deepEqual(lan.fact, [{ prefix: ONE, dadCounter: 0, gaveUp: choice(3) }], "then the first one again");
});

test("[WRA-7] a report about an address that is not the present one counts for nothing, and each prefix counts for itself", () => {
  const lan = new Lan().handle(LINK);
  lan.refuse(choice(1));
  assert.deepEqual(lan.fact, []);
  lan.refuse(choice(0)).pass(seconds(1)).refuse(choice(0));
  lan.refuse(choice(0, OTHER)).pass(seconds(1));
  assert.deepEqual(lan.fact, [
    { prefix: ONE, dadCounter: 1 },
    { prefix: OTHER, dadCounter: 1 },
  ]);
});

test("[WRA-7] who was given up is tried again at once when the cable comes back, the card is another one, or the prefix was away", () => {
  const elsewhere = { kind: "prefixes", prefixes: [OTHER] } as const;
  const changes: readonly (readonly LanIdentifiersInput[])[] = [
    [{ ...LINK, up: false }, LINK],
    [{ ...LINK, mac: mac("02:00:00:00:00:02") }],
    [elsewhere, { kind: "prefixes", prefixes: [ONE, OTHER] }],
  ];
  for (const inputs of changes) {
    const lan = new Lan().handle(LINK).refuseAll();
    assert.ok(lan.handle(LINK).fact[0]!.replaceAt !== undefined, "the same link again changes nothing");
    for (const input of inputs) lan.handle(input);
    assert.deepEqual([lan.fact[0]?.dadCounter ?? 0, lan.fact[0]?.replaceAt], [0, undefined]);
  }
});

test("an identifier that works is kept when the cable comes back; the report ends when an address has passed, and not with each new try", () => {
  const lan = new Lan().handle(LINK).refuse(choice(0)).pass(seconds(1));
  lan.handle({ ...LINK, up: false }).handle(LINK);
  assert.deepEqual(lan.fact, [{ prefix: ONE, dadCounter: 1 }]);
  lan.handle({ kind: "prefixes", prefixes: [] }).refuseAll().pass(seconds(60));
  lan.refuse(choice(0)).pass(seconds(1));
  assert.deepEqual(lan.fact, [{ prefix: ONE, dadCounter: 1, gaveUp: choice(3) }]);
  assert.equal(lan.notes.length, 1 + 3, "the second round is no news");
  lan.handle({ kind: "ready", addresses: [choice(0)] });
  assert.deepEqual(lan.fact, [{ prefix: ONE, dadCounter: 1, gaveUp: choice(3) }]);
  lan.handle({ kind: "ready", addresses: [choice(1)] });
  assert.deepEqual(lan.fact, [{ prefix: ONE, dadCounter: 1 }]);
});
