/**
 * Addresses that are asked for on the link before they are offered (RFC 2131 3.1, 4.3.1): each waits a moment for somebody to claim it, and holds up nobody
 * else.
 */
import type { Ip4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { after, type Instant, milliseconds } from "../addr/time.ts";

/** An answer by ARP takes some milliseconds, from a sleeping wireless device a tenth of a second or two; clients repeat their DISCOVER after seconds. */
const PATIENCE = milliseconds(250);
/** More new devices than this at the same time are offered what nobody has been asked about. */
const MOST_PROBES = 1024;

interface Asker {
  readonly mac: Mac;
}

export class Dhcpv4Probes<Subject extends Asker> {
  /** The oldest first. */
  readonly #waiting = new Map<Ip4, { readonly subject: Subject; readonly until: Instant }>();

  /** Starts a probe for the sake of `subject`; false where there are too many already. */
  begin(address: Ip4, subject: Subject, now: Instant): boolean {
    if (this.#waiting.size >= MOST_PROBES) return false;
    this.#waiting.set(address, { subject, until: after(now, PATIENCE) });
    return true;
  }

  /** The client has asked again meanwhile: its latest message will be answered. False when nothing waits. */
  repeat(address: Ip4, subject: Subject): boolean {
    const waiting = this.#waiting.get(address);
    if (!waiting || waiting.subject.mac !== subject.mac) return false;
    this.#waiting.set(address, { ...waiting, subject });
    return true;
  }

  /** For whom the address is lost, now that `claimant` has it; undefined when nobody waits for it, or when it is the claimant himself. */
  claimed(address: Ip4, claimant: Mac): Subject | undefined {
    const waiting = this.#waiting.get(address);
    if (!waiting || waiting.subject.mac === claimant) return undefined;
    this.#waiting.delete(address);
    return waiting.subject;
  }

  /** Those that nobody has claimed in time; they wait no longer. */
  unclaimed(now: Instant): readonly { readonly address: Ip4; readonly subject: Subject }[] {
    const done: { readonly address: Ip4; readonly subject: Subject }[] = [];
    for (const [address, { subject, until }] of this.#waiting) {
      if (until > now) break;
      this.#waiting.delete(address);
      done.push({ address, subject });
    }
    return done;
  }

  wakeAt(): Instant | undefined {
    for (const { until } of this.#waiting.values()) return until;
    return undefined;
  }
}
