import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "../addr/json.ts";
import { type Random, seededRandom } from "../addr/random.ts";
import { type Duration, INFINITY, type Instant, type Seconds, seconds } from "../addr/time.ts";
import type { ClientServerMessage, Dhcpv6Option } from "../wire/dhcpv6.ts";
import {
  ADDRESS,
  answerTo,
  ELSEWHERE,
  HOME,
  iaAddress,
  iaNaWith,
  iaPd,
  iaPdWith,
  iaPrefix,
  OTHER_SERVER,
  Script,
  SERVER,
  serverId,
} from "./dhcpv6-client.fixture.ts";
import { areContradictory, timersOf } from "./dhcpv6-client-lifetimes.ts";

const LIFETIMES = [0, 1, 2, 50, 150, 300, 3600, 2_147_483, 2_147_484, 4_294_967, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const STATUSES = [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 65_535];
const VALUES = [HOME, ELSEWHERE, "2605:59c8:1200::/60", "2605:59c8:1200::/64", "2605:59c8:1200::/128", "fe80::/10", "::/56"] as const;

/** A server that says anything that is well formed. */
class Chaos {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  answers({ message }: { readonly message: ClientServerMessage }): readonly Uint8Array[] {
    const count = this.#below(4) % 3;
    return Array.from({ length: count }, () => answerTo(message, this.#pick(["advertise", "reply", "reply"] as const), ...this.#options()));
  }

  #options(): readonly Dhcpv6Option[] {
    const server = serverId(this.#pick([SERVER, SERVER, SERVER, OTHER_SERVER]));
    const extras: readonly Dhcpv6Option[] = [
      { kind: "rapid-commit" },
      { kind: "preference", value: this.#pick([0, 255]) },
      { kind: "sol-max-rt", time: this.#time() },
      { kind: "inf-max-rt", time: this.#time() },
      { kind: "information-refresh-time", time: this.#time() },
      this.#status(),
    ];
    return [server, ...this.#some(3, () => this.#ia()), ...this.#some(2, () => this.#pick(extras))];
  }

  #ia(): Dhcpv6Option {
    const times = { t1: this.#time(), t2: this.#time() };
    const status = this.#below(4) === 0 ? [this.#status()] : [];
    if (this.#below(3) === 0) return iaNaWith([...this.#some(2, () => iaAddress(ADDRESS, this.#lifetimes())), ...status], times);
    return iaPdWith([...this.#some(3, () => iaPrefix(this.#pick(VALUES) as typeof HOME, this.#lifetimes())), ...status], times);
  }

  #lifetimes() {
    return { preferred: this.#time(), valid: this.#time(), options: this.#below(8) === 0 ? [this.#status()] : [] };
  }

  #status(): Dhcpv6Option {
    return { kind: "status-code", status: this.#pick(STATUSES), message: "" };
  }

  #time(): Seconds {
    return (this.#below(4) === 0 ? this.#random.uint32() : this.#pick(LIFETIMES)) as Seconds;
  }

  #some<T>(most: number, make: () => T): readonly T[] {
    return Array.from({ length: this.#below(most + 1) }, make);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }

  #below(bound: number): number {
    return this.#random.uint32() % bound;
  }
}

/** What must hold whatever was said. */
function check(script: Script): void {
  const { fact } = script;
  const now = script.now * 1000;
  for (const { preferredUntil, validUntil } of [...fact.delegated, ...fact.addresses]) {
    assert.ok(preferredUntil <= validUntil && validUntil > now - 2, "an ended or contradictory lease is reported");
  }
  for (const { prefix } of fact.delegated) assert.ok(!/^(fe80|ff|::\/)/.test(prefix), prefix);
  assert.ok((fact.renewAt ?? 0) <= Number.POSITIVE_INFINITY && !Number.isNaN(fact.renewAt ?? 0));
  assert.equal(fact.state === "bound" && fact.delegated.length + fact.addresses.length === 0, false, "bound without a lease");
}

test("[D6T-15] [D6T-17] [D6E-3] whatever a server says, the client keeps its rate, never spins, and reports only what holds", () => {
  const runs = fc.record(
    {
      seed: fc.integer({ min: 0, max: 0xffffffff }),
      options: fc.record(
        { rapidCommit: fc.boolean(), requestAddress: fc.constantFrom("auto" as const, "always" as const, "never" as const) },
        { noNullPrototype: true },
      ),
      steps: fc.array(
        fc.tuple(
          fc.constantFrom("pass", "pass", "pass", "flap", "resume", "heard", "managed", "duplicate", "refresh", "restart"),
          fc.nat(400),
        ),
        { minLength: 5, maxLength: 40 },
      ),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(runs, ({ seed, options, steps }) => {
      const chaos = new Chaos(seed);
      let script = new Script(options, undefined, seed);
      script.server = (sent) => chaos.answers(sent);
      script.link(true);
      for (const [step, time] of steps) {
        script = perform(script, step, options, chaos);
        script.pass(time);
        check(script);
        checkRate(script);
      }
    }),
    { numRuns: 300 },
  );
});

function perform(script: Script, step: string, options: ConstructorParameters<typeof Script>[0], chaos: Chaos): Script {
  switch (step) {
    case "flap":
      return script.link(false).link(true);
    case "resume":
    case "refresh":
      script.give({ kind: step });
      return script;
    case "heard":
      script.give({ kind: "provider-heard" });
      return script;
    case "managed":
      script.give({ kind: "flags", managed: true, other: true });
      return script;
    case "duplicate":
      script.give({ kind: "duplicate", address: ADDRESS });
      return script;
    case "restart": {
      checkRate(script);
      const snapshot = JSON.parse(JSON.stringify(script.client.snapshot())) as Json;
      const next = new Script(options, { snapshot, shift: (-script.now * 1000) as Duration }, script.sent.length);
      next.server = (sent) => chaos.answers(sent);
      return next.link(true);
    }
    default:
      return script;
  }
}

function checkRate(script: Script): void {
  const times = script.sent.map(({ at }) => at);
  times.forEach((time, i) => assert.ok(i < 20 || time - times[i - 20]! > 20, `21 messages from ${times[i - 20]} to ${time}`));
}

test("[D6T-15] a server that answers everything with T1 of 1 s, or takes away at once what it gave, gets at most 20 messages in 20 s", () => {
  for (const times of [
    { preferred: 2, valid: 2, t1: 1, t2: 1 },
    { preferred: 1, valid: 1 },
  ]) {
    const script = new Script();
    script.server = ({ kind, message }) => [answerTo(message, kind === "solicit" ? "advertise" : "reply", iaPd(HOME, times))];
    script.link(true).pass(600);
    checkRate(script);
    assert.ok(script.sent.length > 100);
  }
});

test("[D6T-16] [D6T-17] T1 and T2 of any uint32 come in order, never at once, and before a lease that could be extended ends", () => {
  const lifetime = fc.oneof(fc.constantFrom(...LIFETIMES), fc.integer({ min: 0, max: 0xffffffff })).map((value) => value as Seconds);
  const lease = fc
    .tuple(lifetime, lifetime)
    .map(([a, b]) => ({ preferred: Math.min(a, b) as Seconds, valid: Math.max(a, b, 1) as Seconds }));
  const leases = fc.array(lease, { minLength: 1, maxLength: 4 });
  const now = 1e12 as Instant;
  fc.assert(
    fc.property(lifetime, lifetime, leases, (t1, t2, all) => {
      if (areContradictory(t1, t2)) return;
      const { renewAt, rebindAt } = timersOf(t1, t2, all, now);
      assert.ok(renewAt > now && rebindAt > now && (renewAt <= rebindAt || t1 === INFINITY), `${renewAt} ${rebindAt}`);
      const end = Math.min(...all.map(({ valid }) => (valid === INFINITY ? Number.POSITIVE_INFINITY : now + seconds(valid))));
      if (t2 !== INFINITY) assert.ok(rebindAt < end || end === Number.POSITIVE_INFINITY);
      if (t1 !== INFINITY) assert.ok(renewAt < end || end === Number.POSITIVE_INFINITY);
      if (t1 === INFINITY) assert.equal(renewAt, Number.POSITIVE_INFINITY);
      if (t2 === INFINITY) assert.equal(rebindAt, Number.POSITIVE_INFINITY);
    }),
    { numRuns: 2000 },
  );
});
