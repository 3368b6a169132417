import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6, type Ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { seededRandom } from "../addr/random.ts";
import { after, type Duration, type Instant, instant, milliseconds, type Seconds, seconds } from "../addr/time.ts";
import { decodeNdp, encodeNdp, type NdpMessage } from "../wire/ndp.ts";
import type { RaClientFact } from "./facts.ts";
import { createRaClient, type RaClientInput } from "./ra-client.ts";
import type { Snapshot } from "./ra-client-memory.ts";

const ROUTER = ip6("fe80::200:5eff:fe00:101");
const LINK = { kind: "link" as const, up: true, mtu: 1500, linkLocal: ip6("fe80::7"), mac: mac("02:00:00:00:00:07") };
const OPTIONS = { secret: new Uint8Array(32).fill(7), interfaceName: "wan0", temporaryAddresses: false };
const LOST = { kind: "unreachable", router: ROUTER } as const;

/** A WAN in virtual time whose router advertises itself every ten seconds, whether or not it answers. */
class Wan {
  now: Instant = instant(1_000_000);
  fact: RaClientFact | undefined;
  /** Seconds after the last loss at which the router was asked. */
  probes: number[] = [];
  /** Whether it answers when it is asked. */
  answers = false;
  /** How often it has come and gone. */
  changes = 0;
  #lostAt = this.now;
  #advertisesAt = this.now;
  readonly #machine;

  constructor(saved?: Snapshot) {
    this.#machine = createRaClient({ ...OPTIONS, random: seededRandom(1) }, saved);
    this.handle(LINK).pass(seconds(2));
  }

  get isReachable(): boolean {
    return this.fact!.routers.length > 0 && this.fact!.unreachable.length === 0;
  }

  handle(input: RaClientInput): this {
    const asked: NdpMessage[] = [];
    for (const output of this.#machine.handle(input, this.now)) {
      if (output.kind === "send" && output.to === ROUTER) asked.push(decodeNdp(output.bytes));
      if (output.kind !== "fact") continue;
      const before = this.fact?.unreachable.length;
      this.fact = output.fact;
      if (before !== undefined && before !== output.fact.unreachable.length) this.changes++;
    }
    for (const message of asked) {
      assert.ok(message.kind === "neighbor-solicitation" && message.target === ROUTER);
      this.probes.push((this.now - this.#lostAt) / 1000);
      if (this.answers) this.answer();
    }
    return this;
  }

  lose(): this {
    [this.#lostAt, this.probes] = [this.now, []];
    return this.handle(LOST);
  }

  advertise(from = ROUTER): this {
    const flags = { managed: false, other: true, preference: "medium", hopLimit: 64, reachableTime: 0, retransTimer: 0 } as const;
    return this.hear({ kind: "router-advertisement", ...flags, routerLifetime: 1800 as Seconds, options: [] }, from);
  }

  answer({ solicited = true, target = ROUTER, hopLimit = 255 } = {}): this {
    return this.hear({ kind: "neighbor-advertisement", router: true, solicited, override: true, target, options: [] }, target, hopLimit);
  }

  hear(message: NdpMessage, from: Ip6, hopLimit = 255): this {
    return this.handle({ kind: "packet", from, to: LINK.linkLocal, hopLimit, sourcePort: 0, bytes: encodeNdp(message) });
  }

  pass(span: Duration, { advertising = true } = {}): this {
    const end = after(this.now, span);
    for (;;) {
      const wakeAt = this.#machine.wakeAt();
      const next = Math.min(wakeAt ?? end, advertising ? this.#advertisesAt : end) as Instant;
      if (next >= end) break;
      this.now = next > this.now ? next : this.now;
      if (advertising && next === this.#advertisesAt) {
        this.#advertisesAt = after(this.now, seconds(10));
        this.advertise();
      } else this.handle({ kind: "tick" });
    }
    this.now = end;
    return this;
  }

  restarted(): Wan {
    return new Wan({ snapshot: JSON.parse(JSON.stringify(this.#machine.snapshot())), shift: milliseconds(0) });
  }
}

test("[RA-11] a router that advertises itself but answers nobody is lost once, and its advertisements do not bring it back", () => {
  const wan = new Wan();
  assert.ok(wan.isReachable);
  wan.lose();
  for (let minute = 0; minute < 60; minute++) {
    wan.pass(seconds(60)).handle(LOST);
    assert.deepEqual([wan.fact!.routers.length, wan.fact!.unreachable], [1, [ROUTER]]);
  }
  assert.equal(wan.changes, 1);
});

test("it is asked after 1, 3, 9, 27 and then every 60 s in silence; an advertisement brings the next time forward, four seconds apart at least", () => {
  const wan = new Wan().lose().pass(seconds(170), { advertising: false });
  assert.deepEqual(wan.probes, [1, 4, 13, 40, 100, 160]);
  wan.advertise();
  assert.equal(wan.probes.at(-1), 170);
  for (let i = 0; i < 100; i++) wan.advertise().pass(milliseconds(100), { advertising: false });
  assert.deepEqual(wan.probes.slice(7), [174, 178], "a storm of advertisements");
});

test("an answer to a probe brings it back at once; nothing else does", () => {
  const wan = new Wan().lose();
  wan.answer();
  assert.ok(!wan.isReachable, "nobody has asked yet");
  wan.pass(seconds(2), { advertising: false });
  wan
    .answer({ solicited: false })
    .answer({ hopLimit: 254 })
    .answer({ target: ip6("fe80::2") });
  assert.ok(!wan.isReachable);
  wan.answer();
  assert.ok(wan.isReachable);
  wan.lose().pass(seconds(20), { advertising: false });
  assert.deepEqual(wan.probes, [3, 6, 15]);
  wan.answer();
  assert.ok(!wan.isReachable, "five seconds after the probe that is no answer to it");
});

test("a router whose answers come and go changes what is told ever less often; after five good minutes it is one like any other", () => {
  const wan = new Wan();
  wan.answers = true;
  for (const end = after(wan.now, seconds(3600)); wan.now < end; ) {
    wan.lose();
    while (!wan.isReachable) wan.pass(seconds(1));
    wan.pass(seconds(2));
  }
  // Each way: 60 times an hour, and a few more while the hold grows.
  assert.ok(wan.changes > 60 && wan.changes <= 2 * 64, `${wan.changes} changes`);
  wan.lose();
  wan.pass(seconds(70)).pass(seconds(301)).lose().pass(seconds(2));
  assert.deepEqual(wan.probes, [1]);
});

test("a restart knows that it does not answer, and asks at once; so does a cable that comes back", () => {
  const wan = new Wan().lose();
  wan.pass(seconds(100), { advertising: false });
  const again = wan.restarted();
  assert.ok(!again.isReachable);
  assert.ok(again.probes.length > 0);
  assert.ok(again.answer().isReachable);
  wan.handle({ kind: "link", up: false, mtu: 1500 }).pass(seconds(1), { advertising: false }).probes = [];
  wan.handle(LINK);
  assert.equal(wan.probes.length, 1);
});
