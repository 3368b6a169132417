/** Lifetimes of the wire for people. */
import { INFINITY, type Seconds } from "../addr/time.ts";

/** "150 s"; 0xffffffff is "for ever". */
export function lifetimeWords(lifetime: Seconds): string {
  return lifetime === INFINITY ? "for ever" : `${lifetime} s`;
}

/** "preferred 150 s valid 300 s". */
export function lifetimePair({ preferred, valid }: { readonly preferred: Seconds; readonly valid: Seconds }): string {
  return `preferred ${lifetimeWords(preferred)} valid ${lifetimeWords(valid)}`;
}
