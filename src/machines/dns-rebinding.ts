/**
 * DNS rebinding: a name of the internet that points into the home would let a web page reach the home's devices by way of a browser in it. Such answers are
 * refused, but for names that the owner excepts.
 */
import type { DnsName, DnsQuestion } from "../wire/dns.ts";
import { isWithin } from "../wire/dns-name.ts";
import type { Response } from "./dns-response.ts";
import type { HomeAddresses } from "./home-addresses.ts";

/** Why an answer must not reach the home; undefined: it may. */
export function rebinding(
  question: DnsQuestion,
  { message }: Response,
  home: HomeAddresses,
  exceptions: readonly DnsName[],
): string | undefined {
  for (const { name, data } of message.answers) {
    if (data.kind !== "a" && data.kind !== "aaaa") continue;
    if (!home.has(data.address)) continue;
    if (exceptions.some((zone) => isWithin(question.name, zone) || isWithin(name, zone))) continue;
    return `${question.name} points to ${data.address}, within this home`;
  }
  return undefined;
}
