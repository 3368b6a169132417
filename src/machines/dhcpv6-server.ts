/** A DHCPv6 server for addresses and prefixes on one link: RFC 8415 section 18.3 (kept by RFC 9915), without relays and Reconfigure. */
import type { Duid } from "../addr/duid.ts";
import { contains, prefixAddress, prefixOf } from "../addr/prefix.ts";
import { after, type Duration, type Instant, seconds } from "../addr/time.ts";
import {
  type ClientServerMessage,
  type Dhcpv6Kind,
  type Dhcpv6Option,
  encodeDhcpv6,
  OPTION_CODES,
  optionOf,
  optionsOf,
  STATUS,
} from "../wire/dhcpv6.ts";
import { type Accepted, accept } from "./dhcpv6-acceptance.ts";
import { Bindings, isFrom } from "./dhcpv6-bindings.ts";
import { type Exchange, extend, grant, type Ia, namedIn, offer, poolFor, takeBack } from "./dhcpv6-leasing.ts";
import type { Dhcpv6ServerFact, Dhcpv6ServerInput, Dhcpv6ServerOptions } from "./dhcpv6-server-options.ts";
import type { Json, Machine, Note, Output, Packet } from "./machine.ts";

export type { Delegation, Dhcpv6ServerFact, Dhcpv6ServerInput, Dhcpv6ServerOptions, Pool } from "./dhcpv6-server-options.ts";

type Answer = readonly Output<Dhcpv6ServerFact>[];

/** How long a declined address is avoided. */
const DECLINED = seconds(86_400);

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

  #answer({ message, client }: Accepted, packet: Packet, now: Instant): ClientServerMessage | undefined {
    if (message.kind === "information-request" || client === undefined) return this.#reply(message, client, this.#configuration(message));
    const exchange: Exchange = {
      options: this.#options,
      bindings: this.#bindings,
      client,
      from: packet.from,
      now,
      reserved: new Set(),
    };
    switch (message.kind) {
      case "solicit":
        return this.#answerSolicit(message, exchange);
      case "request":
        return this.#lease(message, exchange, grant);
      case "renew":
      case "rebind":
        return this.#lease(message, exchange, extend);
      case "confirm":
        return this.#answerConfirm(message, exchange);
      case "release":
        return this.#giveBack(message, exchange);
      case "decline":
        for (const ia of optionsOf(message, "ia-na")) for (const each of namedIn(ia)) this.#bindings.decline(each, after(now, DECLINED));
        return this.#giveBack(message, exchange);
    }
  }

  #answerSolicit(message: ClientServerMessage, exchange: Exchange): ClientServerMessage | undefined {
    if (this.#options.rapidCommit && optionOf(message, "rapid-commit")) {
      const reply = this.#lease(message, exchange, grant);
      return reply && { ...reply, options: [...reply.options, { kind: "rapid-commit" }] };
    }
    const { preference } = this.#options;
    const offers = associations(message).map((ia) => offer(ia, exchange));
    const rank: Dhcpv6Option[] = preference > 0 ? [{ kind: "preference", value: preference }] : [];
    return this.#reply(message, exchange.client, [...offers, ...rank, ...this.#configuration(message)], "advertise");
  }

  /** Silence when there is nothing to say about any of the leases. */
  #lease(message: ClientServerMessage, exchange: Exchange, how: (ia: Ia, exchange: Exchange) => Ia | undefined) {
    const asked = associations(message);
    const given = asked.map((ia) => how(ia, exchange)).filter((ia) => ia !== undefined);
    if (given.length === 0 && asked.length > 0) return undefined;
    return this.#reply(message, exchange.client, [...given, ...this.#configuration(message)]);
  }

  /** RFC 8415 18.3.3: silence without an address, and when this server can't judge it. */
  #answerConfirm(message: ClientServerMessage, exchange: Exchange): ClientServerMessage | undefined {
    const named = optionsOf(message, "ia-na").flatMap(namedIn);
    const link = this.#options.addresses && prefixOf(prefixAddress(this.#options.addresses), 64);
    if (named.length === 0 || !link) return undefined;
    const onLink = named.every((each) => contains(link, prefixAddress(each)));
    const status: Dhcpv6Option = onLink
      ? { kind: "status-code", status: STATUS.Success, message: "all addresses are on this link" }
      : { kind: "status-code", status: STATUS.NotOnLink, message: "an address is not on this link" };
    return this.#reply(message, exchange.client, [status]);
  }

  #giveBack(message: ClientServerMessage, exchange: Exchange): ClientServerMessage {
    const unknown = associations(message).flatMap((ia) => takeBack(ia, exchange) ?? []);
    return this.#reply(message, exchange.client, [{ kind: "status-code", status: STATUS.Success, message: "done" }, ...unknown]);
  }

  #reply(
    { transactionId }: ClientServerMessage,
    client: Duid | undefined,
    options: readonly Dhcpv6Option[],
    kind: Dhcpv6Kind = "reply",
  ): ClientServerMessage {
    const named: Dhcpv6Option[] = client ? [{ kind: "client-id", duid: client }] : [];
    return { kind, transactionId, options: [...named, { kind: "server-id", duid: this.#options.duid }, ...options] };
  }

  /** What the client asked for besides leases, RFC 8415 21.7. */
  #configuration(message: ClientServerMessage): readonly Dhcpv6Option[] {
    const { resolvers, searchDomains, solMaxRt, infMaxRt, refreshTime } = this.#options;
    const offered: Dhcpv6Option[] = [];
    if (resolvers.length > 0) offered.push({ kind: "dns-servers", addresses: resolvers });
    if (searchDomains.length > 0) offered.push({ kind: "domain-list", domains: searchDomains });
    if (solMaxRt !== undefined) offered.push({ kind: "sol-max-rt", time: solMaxRt });
    if (infMaxRt !== undefined) offered.push({ kind: "inf-max-rt", time: infMaxRt });
    if (refreshTime !== undefined && message.kind === "information-request") {
      offered.push({ kind: "information-refresh-time", time: refreshTime });
    }
    const asked = new Set(optionOf(message, "oro")?.codes ?? []);
    return offered.filter(({ kind }) => asked.has(OPTION_CODES[kind as keyof typeof OPTION_CODES]));
  }
}

const associations = (message: ClientServerMessage): readonly Ia[] => [...optionsOf(message, "ia-na"), ...optionsOf(message, "ia-pd")];

const note = (event: string, text: string): Note => ({ kind: "note", level: "debug", event: `dhcpv6-server.${event}`, text });
