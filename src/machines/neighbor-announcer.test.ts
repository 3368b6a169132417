import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ip6, ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { after, type Instant, instant, milliseconds, seconds } from "../addr/time.ts";
import { decodeNdp, type NeighborAdvertisement } from "../wire/ndp.ts";
import { createNeighborAnnouncer, type NeighborAnnouncerInput } from "./neighbor-announcer.ts";

const START = instant(1_000_000);
const MAC = mac("02:00:00:00:00:07");
const A = ip6("2605:59c8:1200::a");
const B = ip6("2605:59c8:1200::b");

interface Announced {
  readonly at: Instant;
  readonly to: Ip6;
  readonly message: NeighborAdvertisement;
}

/** The machine in virtual time. */
class Link {
  now = START;
  readonly announced: Announced[] = [];
  readonly #machine = createNeighborAnnouncer();

  has(...addresses: readonly Ip6[]): this {
    return this.#handle({ kind: "addresses", addresses, mac: MAC });
  }

  /** `late`: each tick comes this much later than wanted. */
  pass(span: number, late = milliseconds(0)): this {
    const end = after(this.now, seconds(span));
    for (let at = this.#machine.wakeAt(); at !== undefined && at <= end; at = this.#machine.wakeAt()) {
      this.now = after(at, late);
      this.#handle({ kind: "tick" });
    }
    this.now = end;
    return this;
  }

  /** What was handed out leaves only after so many seconds. */
  leavesAfter(count: number): this {
    this.now = after(this.now, seconds(count));
    return this.#handle({ kind: "sent" });
  }

  of(address: Ip6): readonly Announced[] {
    return this.announced.filter(({ message }) => message.target === address);
  }

  get isIdle(): boolean {
    return this.#machine.wakeAt() === undefined;
  }

  #handle(input: NeighborAnnouncerInput): this {
    for (const output of this.#machine.handle(input, this.now)) {
      if (output.kind !== "send") continue;
      const message = decodeNdp(output.bytes);
      assert.equal(message.kind, "neighbor-advertisement");
      this.announced.push({ at: this.now, to: output.to, message });
    }
    return this;
  }
}

const secondsOf = (announced: readonly Announced[]) => announced.map(({ at }) => (at - START) / 1000);

test("[WRA-14] the second between two counts from when the first has left", () => {
  const link = new Link().has(A).leavesAfter(0.7).pass(60);
  assert.deepEqual(secondsOf(link.announced), [0, 1.7, 2.7]);
});

test("[WRA-14] a new address is announced to all routers three times, a second apart, Override clear, with our link-layer address", () => {
  const link = new Link().has(A).pass(60);
  assert.deepEqual(secondsOf(link.announced), [0, 1, 2]);
  for (const { to, message } of link.announced) {
    assert.equal(to, "ff02::2");
    assert.deepEqual(message, {
      kind: "neighbor-advertisement",
      router: true,
      solicited: false,
      override: false,
      target: A,
      options: [{ kind: "target-link-layer-address", mac: MAC }],
    });
  }
  assert.ok(link.isIdle);
});

test("[WRA-14] ticks that come late, or too often, bring no two announcements closer together", () => {
  const late = new Link().has(A).pass(60, milliseconds(700));
  assert.deepEqual(secondsOf(late.announced), [0, 1.7, 3.4]);
  const hasty = new Link().has(A);
  for (let i = 0; i < 40; i++) hasty.pass(0.1).has(A);
  assert.deepEqual(secondsOf(hasty.announced).map(Math.round), [0, 1, 2]);
});

test("[WRA-14] an address that was known is not announced again, another one is", () => {
  const link = new Link().has(A).pass(60).has(A).has(A, B).pass(60);
  assert.deepEqual([link.of(A).length, link.of(B).length], [3, 3]);
});

test("[WRA-14] an address that goes is not announced any more; when it comes back it is new", () => {
  const link = new Link().has(A).pass(0.5).has().pass(60);
  assert.equal(link.of(A).length, 1);
  link.has(A).pass(60);
  assert.equal(link.of(A).length, 4);
});

test("without addresses nothing is ever sent", () => {
  const link = new Link().has().pass(3600);
  assert.equal(link.announced.length, 0);
  assert.ok(link.isIdle);
});
