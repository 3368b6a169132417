/** What a DHCPv6 client can be busy with, and the rules of each such exchange: RFC 8415 7.6 and 18.2. */
import { type Duration, milliseconds, seconds } from "../addr/time.ts";
import type { Dhcpv6Kind } from "../wire/dhcpv6.ts";
import type { Dhcpv6State } from "./facts.ts";
import { type Schedule, UNLIMITED } from "./retransmission.ts";

export type Activity = "solicit" | "request" | "renew" | "rebind" | "verify" | "confirm" | "inform" | "release" | "decline";

export interface Rules {
  readonly message: Dhcpv6Kind;
  readonly state: Dhcpv6State;
  readonly schedule: Schedule;
  /** The first message waits for a random part of this. */
  readonly delay: Duration;
  /** The message names one server and only that one may answer. */
  readonly addressed: boolean;
  /** The leases stay in use, and the exchange ends with the last of them. */
  readonly upholds: boolean;
}

const NONE = milliseconds(0);
const ONE_SECOND = seconds(1);

/** SOL_TIMEOUT, REQ_TIMEOUT, ... of RFC 8415 7.6. MRT of solicit and inform are the defaults of SOL_MAX_RT and INF_MAX_RT. */
const SOLICIT: Schedule = { ...UNLIMITED, IRT: seconds(1), MRT: seconds(3600), firstAbove: true };
const REQUEST: Schedule = { ...UNLIMITED, IRT: seconds(1), MRT: seconds(30), MRC: 10 };
const EXTEND: Schedule = { ...UNLIMITED, IRT: seconds(10), MRT: seconds(600) };
const CONFIRM: Schedule = { ...UNLIMITED, IRT: seconds(1), MRT: seconds(4), MRD: seconds(10) };
const INFORM: Schedule = { ...UNLIMITED, IRT: seconds(1), MRT: seconds(3600) };
const GIVE_BACK: Schedule = { ...UNLIMITED, IRT: seconds(1), MRC: 4 };

/** `verify` is the Rebind with the timing of Confirm that checks delegated prefixes after a change of the link, RFC 8415 18.2.12. */
export const ACTIVITIES: Readonly<Record<Activity, Rules>> = {
  solicit: { message: "solicit", state: "soliciting", schedule: SOLICIT, delay: ONE_SECOND, addressed: false, upholds: false },
  request: { message: "request", state: "requesting", schedule: REQUEST, delay: NONE, addressed: true, upholds: false },
  renew: { message: "renew", state: "renewing", schedule: EXTEND, delay: NONE, addressed: true, upholds: true },
  rebind: { message: "rebind", state: "rebinding", schedule: EXTEND, delay: NONE, addressed: false, upholds: true },
  verify: { message: "rebind", state: "verifying", schedule: CONFIRM, delay: ONE_SECOND, addressed: false, upholds: true },
  confirm: { message: "confirm", state: "confirming", schedule: CONFIRM, delay: ONE_SECOND, addressed: false, upholds: true },
  inform: { message: "information-request", state: "informing", schedule: INFORM, delay: ONE_SECOND, addressed: false, upholds: false },
  release: { message: "release", state: "releasing", schedule: GIVE_BACK, delay: NONE, addressed: true, upholds: false },
  decline: { message: "decline", state: "bound", schedule: GIVE_BACK, delay: NONE, addressed: true, upholds: false },
};
