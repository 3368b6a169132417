/**
 * The checker that runs over the captures of every scenario: whatever the story was, these invariants hold on every link. What it can't see: names
 * in DNS, which come with their own part.
 */
import assert from "node:assert/strict";
import { advertisementGap, lifetimesWithinLease, preferredWithinValid } from "./capture-advertisements.ts";
import { dhcpv6Exchanges, dhcpv6Rate } from "./capture-exchanges.ts";
import {
  noAdvertisementOnWan,
  noMacInAddress,
  noPrivateAddressOnWan,
  noServerOnWan,
  rightChecksums,
  wellFormed,
} from "./capture-manners.ts";
import { dhcpv6Hints, dhcpv6Way, dhcpv6Wishes } from "./capture-requests.ts";
import { type LinkCapture, type Rule, readScene, type Violation } from "./capture-scene.ts";
import { hasTshark, tsharkComplaints } from "./capture-tshark.ts";

export { checksumOffloadOff } from "./capture-manners.ts";
export type { LinkCapture, Violation } from "./capture-scene.ts";
export { hasTshark, tsharkComplaints } from "./capture-tshark.ts";

export interface CheckOptions {
  /** The router had its lease already when the capture began: advertisements before the first Reply are not compared with it. */
  readonly heldAtStart?: boolean;
}

const RULES: readonly Rule[] = [
  noAdvertisementOnWan,
  noServerOnWan,
  noPrivateAddressOnWan,
  noMacInAddress,
  rightChecksums,
  wellFormed,
  advertisementGap,
  preferredWithinValid,
  dhcpv6Rate,
  dhcpv6Exchanges,
  dhcpv6Way,
  dhcpv6Wishes,
  dhcpv6Hints,
];

/** Everything in these captures that must not be. @throws WireError for a file that is no capture of an Ethernet link */
export function captureViolations(captures: readonly LinkCapture[], options: CheckOptions = {}): readonly Violation[] {
  const scene = readScene(captures);
  const leases = lifetimesWithinLease(scene, { heldAtStart: options.heldAtStart ?? false });
  return [...RULES.flatMap((rule) => rule(scene)), ...leases];
}

/** Fails with a list of all violations and of all that tshark (where it is installed) complains about. */
export function assertCleanCaptures(captures: readonly LinkCapture[], options: CheckOptions = {}): void {
  const ours = captureViolations(captures, options).map(({ rule, link, frame, text }) => `${link} frame ${frame}: ${rule}: ${text}`);
  const theirs = hasTshark()
    ? captures.flatMap(({ name, file, ours }) => tsharkComplaints(file, ours).map((line) => `${name} tshark: ${line}`))
    : [];
  assert.deepEqual([...ours, ...theirs], []);
}
