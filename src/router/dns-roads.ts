/** The ways to the resolvers of the internet: a UDP socket for each query; kept connections for TCP, TLS and HTTPS. */
import type { Random } from "../addr/random.ts";
import type { Instant } from "../addr/time.ts";
import { DnsHttpsClient } from "../io/dns-https-client.ts";
import { DnsStreamClient, type StreamEars } from "../io/dns-stream-client.ts";
import { KernelError } from "../kernel/kernel-error.ts";
import { sendUdpQuery } from "../kernel/udp-query.ts";
import type { Ears, Transport } from "../machines/dns-exchange.ts";
import { formatUpstream, type Upstream } from "../machines/dns-upstream.ts";

/** Who takes queries over a connection of its own. */
interface Client {
  ask(query: Uint8Array, ears: StreamEars): { close(): void };
  close(): void;
}

const NOTHING = { close: () => undefined };

export class DnsRoads {
  readonly #random: Random;
  readonly #now: () => Instant;
  /** By upstream. */
  readonly #clients = new Map<string, Client>();

  constructor(random: Random, now: () => Instant) {
    this.#random = random;
    this.#now = now;
  }

  ask(upstream: Upstream, query: Uint8Array, transport: Transport, ears: Ears): { close(): void } {
    const timed: StreamEars = { heard: (message) => ears.heard(message, this.#now()), failed: () => ears.failed(this.#now()) };
    if (upstream.kind !== "plain" || transport === "tcp") return this.#client(upstream).ask(query, timed);
    const { address, port, interface: name } = upstream;
    try {
      return sendUdpQuery(query, {
        address,
        port,
        ...(name !== undefined && { interface: name }),
        random: this.#random,
        receive: (message) => timed.heard(message),
        failed: () => timed.failed(),
      });
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      timed.failed();
      return NOTHING;
    }
  }

  /** Closes the connections to resolvers that are no longer asked. */
  keep(upstreams: readonly Upstream[]): void {
    const kept = new Set(upstreams.map(formatUpstream));
    for (const [name, client] of this.#clients) {
      if (kept.has(name)) continue;
      client.close();
      this.#clients.delete(name);
    }
  }

  #client(upstream: Upstream): Client {
    const name = formatUpstream(upstream);
    const known = this.#clients.get(name);
    if (known) return known;
    const client = clientOf(upstream);
    this.#clients.set(name, client);
    return client;
  }
}

function clientOf(upstream: Upstream): Client {
  switch (upstream.kind) {
    case "plain": {
      const { address, port, interface: name } = upstream;
      return new DnsStreamClient({ address: name === undefined ? address : `${address}%${name}`, port });
    }
    case "tls":
      return new DnsStreamClient({ address: upstream.address, port: upstream.port, tlsName: upstream.name });
    case "https":
      return new DnsHttpsClient(upstream);
  }
}
