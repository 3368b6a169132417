/** What holds for every message of the client, whatever the script is. */
import assert from "node:assert/strict";
import { ALL_DHCP_SERVERS, isLinkLocal } from "../../src/addr/ip.ts";
import { CLIENT_PORT, optionOf, SERVER_PORT } from "../../src/wire/dhcpv6.ts";
import type { Heard } from "./scripted-provider.ts";

/** A busy machine may send later than the clock says. Seconds. */
export const LATE = 1.5;
/** When it was the first of two messages that was late, the second seems early. Seconds. */
export const EARLY = 0.25;

/** Seconds between messages. */
export function gaps(heard: readonly Heard[]): readonly number[] {
  return heard.slice(1).map(({ at }, i) => at - heard[i]!.at);
}

/**
 * Each gap lies within a tenth of the expected one (RFC 8415 section 15); upwards a busy machine has more room. RFC 8415 doubles the gap before, which
 * was random itself, so that the tolerance grows with each doubling.
 */
export function assertGaps(heard: readonly Heard[], expected: readonly number[]): void {
  const found = gaps(heard);
  const words = `gaps of ${found.map((gap) => gap.toFixed(3)).join(", ")} s where ${expected.join(", ")} were expected`;
  assert.equal(found.length, expected.length, words);
  expected.forEach((gap, i) => {
    const spread = 0.1 * (1 + 0.6 * i);
    assert.ok(found[i]! >= gap * (1 - spread) - EARLY && found[i]! <= gap * (1 + spread) + LATE, words);
  });
}

/** All messages are of one exchange. */
export function assertOneExchange(heard: readonly Heard[]): void {
  const ids = new Set(heard.map(({ message }) => message.transactionId));
  assert.equal(ids.size, 1, `${ids.size} transaction ids in what should be one exchange`);
}

/** RFC 8415 7.2, 14: from port 546 and a link-local address to port 547 of all servers. */
export function assertAddressing(all: readonly Heard[]): void {
  for (const { kind, from, to, sourcePort, destinationPort, destinationMac } of all) {
    assert.ok(isLinkLocal(from), `${kind} from ${from}`);
    assert.deepEqual([to, sourcePort, destinationPort, destinationMac], [ALL_DHCP_SERVERS, CLIENT_PORT, SERVER_PORT, "33:33:00:01:00:02"]);
  }
}

/** RFC 8415 16.1, 21.9: a new id for each exchange, and a clock that starts at 0 in each of them. */
export function assertElapsedTimes(all: readonly Heard[]): void {
  const exchanges = Map.groupBy(all, ({ message }) => message.transactionId);
  for (const messages of exchanges.values()) {
    const [first] = messages;
    assert.equal(new Set(messages.map(({ kind }) => kind)).size, 1, "one transaction id for messages of two kinds");
    for (const { kind, at, message } of messages) {
      const elapsed = optionOf(message, "elapsed-time")?.hundredths;
      assert.ok(elapsed !== undefined, `a ${kind} without Elapsed Time`);
      const passed = at - first!.at;
      if (passed === 0) assert.equal(elapsed, 0, `the first ${kind} of an exchange`);
      assert.ok(Math.abs(elapsed / 100 - Math.min(passed, 655.35)) < 0.5, `${kind}: ${elapsed} hundredths after ${passed.toFixed(2)} s`);
    }
  }
}

/** RFC 8415 21.7: 23, 24, 56, 67 and 82 everywhere, 32 and 83 in Information-request alone. */
export function assertRequestedOptions(all: readonly Heard[]): void {
  for (const { kind, message } of all) {
    if (kind === "release" || kind === "decline" || kind === "confirm") continue;
    const codes = optionOf(message, "oro")?.codes ?? [];
    const wanted = kind === "information-request" ? [23, 24, 32, 56, 83] : [23, 24, 56, 67, 82];
    assert.deepEqual(
      wanted.filter((code) => !codes.includes(code)),
      [],
      `a ${kind} does not ask for these`,
    );
    assert.equal(codes.includes(32), kind === "information-request", `a ${kind} with option request ${codes.join()}`);
  }
}

/** The most messages in any span of so many seconds. */
export function mostWithin(all: readonly Heard[], span: number): number {
  return Math.max(0, ...all.map(({ at }) => all.filter((other) => other.at >= at && other.at <= at + span).length));
}
