/** The DHCPv6 server of a provider, for addresses and prefixes on one link: RFC 8415 18.3 (kept by RFC 9915), without relays and Reconfigure. */
import { prefixAddress } from "../addr/prefix.ts";
import type { Duration, Instant } from "../addr/time.ts";
import { type ClientServerMessage, type Dhcpv6Kind, type Dhcpv6Option, encodeDhcpv6 } from "../wire/dhcpv6.ts";
import { type Accepted, accept } from "./dhcpv6-acceptance.ts";
import { answer } from "./dhcpv6-answer.ts";
import { Bindings, isFrom } from "./dhcpv6-bindings.ts";
import { leasingOf, poolFor } from "./dhcpv6-leasing.ts";
import type { Dhcpv6ServerFact, Dhcpv6ServerInput, Dhcpv6ServerOptions } from "./dhcpv6-server-options.ts";
import type { Json, Machine, Note, Output, Packet } from "./machine.ts";

export type { Delegation, Dhcpv6ServerFact, Dhcpv6ServerInput, Dhcpv6ServerOptions, Pool } from "./dhcpv6-server-options.ts";

type Answer = readonly Output<Dhcpv6ServerFact>[];

/** A server without leases, or with those of `saved`, whose Instants are moved by `shift`. */
export function createDhcpv6Server(
  options: Dhcpv6ServerOptions,
  saved?: { readonly snapshot: Json; readonly shift: Duration },
): Machine<Dhcpv6ServerInput, Dhcpv6ServerFact> {
  return new Dhcpv6Server(options, new Bindings(saved));
}

class Dhcpv6Server implements Machine<Dhcpv6ServerInput, Dhcpv6ServerFact> {
  #options: Dhcpv6ServerOptions;
  readonly #bindings: Bindings;
  #mute = false;
  /** The latest fact as text: the same one is not reported twice. */
  #reported = "";

  constructor(options: Dhcpv6ServerOptions, bindings: Bindings) {
    this.#options = options;
    this.#bindings = bindings;
  }

  handle(input: Dhcpv6ServerInput, now: Instant): Answer {
    switch (input.kind) {
      case "packet":
        return this.#mute ? [] : this.#hear(input, now);
      case "tick":
        return this.#bindings.expire(now) ? this.#changed() : [];
      case "set":
        this.#options = { ...this.#options, ...input.options };
        return this.#changed();
      case "renumber":
        this.#options = { ...this.#options, delegation: { length: 56, ...this.#options.delegation, prefix: input.pool } };
        return this.#changed();
      case "forget":
        this.#bindings.forget();
        return this.#changed();
      case "mute":
        this.#mute = input.on;
        return [];
    }
  }

  wakeAt(): Instant | undefined {
    return this.#bindings.wakeAt();
  }

  snapshot(): Json {
    return this.#bindings.snapshot();
  }

  #hear(packet: Packet, now: Instant): Answer {
    const accepted = accept(packet, this.#options.duid);
    if (typeof accepted === "string") return [note("discarded", `A DHCPv6 message from ${packet.from} is discarded: ${accepted}.`)];
    this.#bindings.expire(now);
    const reply = this.#answer(accepted, packet, now);
    const sent: Answer = reply ? [{ kind: "send", to: packet.from, bytes: encodeDhcpv6(reply) }] : [];
    const { kind } = accepted.message;
    return [...this.#changed(), note(kind, `${packet.from} sent a ${kind}${reply ? `, answered by ${reply.kind}` : ""}.`), ...sent];
  }

  /** The fact and the order to save, when leases have changed. */
  #changed(): Answer {
    const fact = this.#fact();
    const text = JSON.stringify(fact);
    if (text === this.#reported) return [];
    this.#reported = text;
    return [{ kind: "save" }, { kind: "fact", fact }];
  }

  #fact(): Dhcpv6ServerFact {
    const current = this.#bindings.all.filter((binding) => {
      const pool = poolFor(binding, this.#options);
      return pool && isFrom(pool, binding.prefix);
    });
    const leased = current.filter(({ kind }) => kind === "ia-na");
    return {
      delegations: current
        .filter(({ kind }) => kind === "ia-pd")
        .map(({ prefix, duid, iaid, client, validUntil }) => ({ prefix, duid, iaid, client, validUntil })),
      addresses: leased.map(({ prefix, duid, validUntil }) => ({ address: prefixAddress(prefix), duid, validUntil })),
    };
  }

  #answer(accepted: Accepted, packet: Packet, now: Instant): ClientServerMessage | undefined {
    const { message, client } = accepted;
    const leasing = leasingOf({
      options: this.#options,
      bindings: this.#bindings,
      // Only an Information-request may be without one, and it is about no lease.
      client: client ?? this.#options.duid,
      from: packet.from,
      now,
      reserved: new Set(),
    });
    const { duid: server, preference, rapidCommit } = this.#options;
    return answer(accepted, leasing, { server, preference, rapidCommit, configuration: this.#configuration(message.kind) });
  }

  /** What the clients may ask for besides leases. */
  #configuration(asked: Dhcpv6Kind): readonly Dhcpv6Option[] {
    const { resolvers, searchDomains, solMaxRt, infMaxRt, refreshTime } = this.#options;
    const offered: Dhcpv6Option[] = [];
    if (resolvers.length > 0) offered.push({ kind: "dns-servers", addresses: resolvers });
    if (searchDomains.length > 0) offered.push({ kind: "domain-list", domains: searchDomains });
    if (solMaxRt !== undefined) offered.push({ kind: "sol-max-rt", time: solMaxRt });
    if (infMaxRt !== undefined) offered.push({ kind: "inf-max-rt", time: infMaxRt });
    if (refreshTime !== undefined && asked === "information-request") {
      offered.push({ kind: "information-refresh-time", time: refreshTime });
    }
    return offered;
  }
}

const note = (event: string, text: string): Note => ({ kind: "note", level: "debug", event: `dhcpv6-server.${event}`, text });
