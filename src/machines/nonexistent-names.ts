/** Names that do not exist: nothing exists below them (RFC 8020). */
import { after, between, type Instant } from "../addr/time.ts";
import { type DnsMessage, type DnsQuestion, encodeDns } from "../wire/dns.ts";
import { type DnsName, lowerName, parentOf } from "../wire/dns-name.ts";
import { decodeDns } from "../wire/dns.ts";
import { type KeepableAnswer, keepable } from "./dns-response.ts";

const MOST_NAMES = 1000;

export interface NonexistentNames {
  /** Takes note of an NXDOMAIN from upstream. */
  add(message: DnsMessage, answer: KeepableAnswer, now: Instant): void;
  /** The answer for a name below one that does not exist. */
  find(question: DnsQuestion, now: Instant): KeepableAnswer | undefined;
  flush(): void;
}

export function nonexistentNames(): NonexistentNames {
  const names = new Map<DnsName, { readonly message: DnsMessage; readonly until: Instant }>();
  return {
    add: (message, { keepFor }, now) => {
      const [question] = message.questions;
      // After an alias it is the alias's target that does not exist.
      if (!question || keepFor <= 0 || message.answers.length > 0) return;
      if (names.size >= MOST_NAMES) names.delete(names.keys().next().value!);
      const { edns: _edns, ...bare } = message;
      names.set(lowerName(question.name), { message: bare, until: after(now, keepFor) });
    },
    find: (question, now) => {
      for (let name = parentOf(lowerName(question.name)); name; name = parentOf(name)) {
        const known = names.get(name);
        if (known && now < known.until) return answerFor(question, known.message, Math.floor(between(now, known.until) / 1000));
        if (known) names.delete(name);
      }
      return undefined;
    },
    flush: () => names.clear(),
  };
}

/** `left`: seconds. */
function answerFor(question: DnsQuestion, message: DnsMessage, left: number): KeepableAnswer {
  const aged = message.authorities.map((record) => ({ ...record, ttl: Math.min(record.ttl, left) }));
  const bytes = encodeDns({ ...message, questions: [question], authorities: aged, additionals: [] });
  return keepable({ message: decodeDns(bytes), bytes });
}
