/** What becomes of an address that duplicate address detection refuses: another identifier, three times, a second apart, then a pause (RFC 7217 section 6). */
import type { Ip6 } from "../addr/ip.ts";
import { after, type Instant, seconds } from "../addr/time.ts";
import type { Note } from "./machine.ts";

export interface Tries {
  /** Identifiers that were refused before this one: DAD_Counter of RFC 7217 section 5. */
  readonly dadCounter: number;
  /** Refused by duplicate address detection: not used any more, and given another identifier at this Instant. */
  readonly replaceAt?: Instant;
}

/** The same number as TEMP_IDGEN_RETRIES of RFC 8981 3.8. */
const IDGEN_RETRIES = 3;
const IDGEN_DELAY = seconds(1);
/** After the last try: whoever claims every address may stop some day, and then the first identifier is right again. */
const RECOVERY_DELAY = seconds(60);

/** Whether no other identifier follows for the time being. */
export function isLastTry({ dadCounter }: Tries): boolean {
  return dadCounter >= IDGEN_RETRIES;
}

export function refused<Own extends Tries>(own: Own, now: Instant): Own {
  return { ...own, replaceAt: after(now, isLastTry(own) ? RECOVERY_DELAY : IDGEN_DELAY) };
}

export function nextCounter(own: Tries): number {
  return isLastTry(own) ? 0 : own.dadCounter + 1;
}

/** `last`: all tries are used up. */
export function duplicateNote(event: string, link: string, address: Ip6, last: boolean): Note {
  const outlook = last ? "no identifier was free, the first one is tried again in a minute" : "another identifier is tried";
  const text = `another device on ${link} uses ${address}: ${outlook}`;
  return { kind: "note", level: last ? "error" : "warning", event, text };
}
