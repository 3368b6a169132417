/** A DHCPv4 server in invented time, and clients as scripts of messages. */
import assert from "node:assert/strict";
import { ip4, type Ip4, UNSPECIFIED4 } from "../addr/ip.ts";
import { mac, type Mac } from "../addr/mac.ts";
import { prefix4 } from "../addr/prefix4.ts";
import { after, type Duration, type Instant, instant, milliseconds, type Seconds } from "../addr/time.ts";
import { decodeDhcpv4, type Dhcpv4Message, type Dhcpv4Option, type Dhcpv4Type, encodeDhcpv4, optionOf } from "../wire/dhcpv4.ts";
import {
  type Dhcpv4Binding,
  type Dhcpv4Destination,
  type Dhcpv4Record,
  Dhcpv4Server,
  type Dhcpv4ServerOutput,
  type Dhcpv4Serving,
} from "./dhcpv4-server.ts";
import type { Note } from "./machine.ts";

export const ROUTER = ip4("192.168.1.1");
export const SERVING: Dhcpv4Serving = {
  router: ROUTER,
  network: prefix4("192.168.1.0/24"),
  pool: { first: ip4("192.168.1.100"), last: ip4("192.168.1.249") },
  lease: 43_200 as Seconds,
  resolvers: [ip4("9.9.9.9")],
  searchDomains: [],
  reservations: [],
  reservedNames: [],
};

export interface Reply {
  readonly to: Dhcpv4Destination;
  readonly message: Dhcpv4Message;
  readonly type: Dhcpv4Type | undefined;
  readonly record?: Dhcpv4Record;
}

/** What differs from a plain message. */
export type Change = Partial<Omit<Dhcpv4Message, "options">> & { readonly options?: readonly Dhcpv4Option[]; readonly from?: Ip4 };

export class ServerLab {
  server: Dhcpv4Server;
  now: Instant = instant(1_000_000);
  readonly notes: Note[] = [];
  readonly probes: Ip4[] = [];
  readonly records: Dhcpv4Record[] = [];

  constructor(change: Partial<Dhcpv4Serving> = {}, saved: Iterable<Dhcpv4Binding> = []) {
    this.server = new Dhcpv4Server({ ...SERVING, ...change }, saved);
  }

  /** Sends a message; returns the answers that come at once. */
  send(type: Dhcpv4Type, client: Mac, { options = [], from = UNSPECIFIED4, ...change }: Change = {}): readonly Reply[] {
    const message: Dhcpv4Message = {
      op: "request",
      xid: 0x1234,
      secs: 0,
      broadcast: false,
      ciaddr: UNSPECIFIED4,
      yiaddr: UNSPECIFIED4,
      siaddr: UNSPECIFIED4,
      giaddr: UNSPECIFIED4,
      chaddr: client,
      ...change,
      options: [{ kind: "message-type", type }, ...options],
    };
    return this.hear(encodeDhcpv4(message), from);
  }

  hear(bytes: Uint8Array, from: Ip4 = UNSPECIFIED4): readonly Reply[] {
    return this.take(this.server.handle({ kind: "packet", from, bytes }, this.now));
  }

  /** Lets time pass, with a tick at each instant that the server wants. */
  pass(span: Duration): readonly Reply[] {
    const end = after(this.now, span);
    const replies: Reply[] = [];
    for (let wakeAt = this.server.wakeAt(); wakeAt !== undefined && wakeAt <= end; wakeAt = this.server.wakeAt()) {
      this.now = wakeAt;
      replies.push(...this.take(this.server.handle({ kind: "tick" }, this.now)));
    }
    this.now = end;
    return replies;
  }

  /** Somebody answers a probe. */
  claim(address: Ip4, claimant: Mac): readonly Reply[] {
    return this.take(this.server.handle({ kind: "claimed", address, mac: claimant }, this.now));
  }

  take(outputs: readonly Dhcpv4ServerOutput[]): readonly Reply[] {
    const replies: Reply[] = [];
    for (const output of outputs) {
      if (output.kind === "note") this.notes.push(output);
      else if (output.kind === "probe") this.probes.push(output.address);
      else if (output.kind === "record") this.records.push(output.record);
      else {
        const message = decodeDhcpv4(output.bytes);
        if (output.record) this.records.push(output.record);
        replies.push({
          to: output.to,
          message,
          type: optionOf(message, "message-type")?.type,
          ...(output.record && { record: output.record }),
        });
      }
    }
    return replies;
  }

  /** The OFFER, once the probe is over. */
  discover(client: Mac, change: Change = {}): Reply {
    const replies = [...this.send("discover", client, change), ...this.pass(milliseconds(1000))];
    assert.equal(replies.length, 1);
    return replies[0]!;
  }

  /** DISCOVER, OFFER, REQUEST, ACK; returns the ACK. */
  lease(client: Mac, change: Change = {}): Reply {
    const offer = this.discover(client, change);
    const options: Dhcpv4Option[] = [
      ...(change.options ?? []).filter(({ kind }) => kind !== "requested-address"),
      { kind: "server-id", address: ROUTER },
      { kind: "requested-address", address: offer.message.yiaddr },
    ];
    const replies = this.send("request", client, { ...change, options });
    assert.deepEqual(
      replies.map(({ type }) => type),
      ["ack"],
    );
    return replies[0]!;
  }

  bindings(): readonly Dhcpv4Binding[] {
    return [...this.server.bindings()];
  }

  /** After a restart with what the records say. */
  restarted(change: Partial<Dhcpv4Serving> = {}): ServerLab {
    const kept = new Map<string, Dhcpv4Binding>();
    for (const { forgotten, ...binding } of this.records) {
      kept.delete(binding.address);
      if (!forgotten) kept.set(binding.address, binding);
    }
    const next = new ServerLab(change, kept.values());
    next.now = this.now;
    return next;
  }
}

/** 02:00:00:xx:xx:xx. */
export const client = (number: number): Mac =>
  mac(`02:00:00:${[16, 8, 0].map((shift) => ((number >> shift) & 0xff).toString(16).padStart(2, "0")).join(":")}`);
