/** Eyes on a renumbering: on the wire, stamped by the kernel, at the host's addresses, and with connections that are tried all the time. */
import { prefix } from "../src/addr/prefix.ts";
import { type Home, NET_ADDRESS } from "../src/lab/home.ts";
import { type Series, serveWeb, type Try, watchWeb, webUrl } from "../src/lab/traffic.ts";
import type { Running } from "../src/lab/running.ts";
import { until } from "../src/lab/until.ts";
import { MIN_DELAY_BETWEEN_RAS } from "../src/machines/ra-schedule.ts";
import { optionsOf } from "../src/wire/dhcpv6.ts";
import { DELEGATED, type LinkWatch, prefixIn, type SeenRa, watchLink } from "../test/fixtures/link-watch.ts";
import { orNever } from "./side-by-side.ts";
import { firstSuccess, PACE, PROMPT } from "./tries.ts";

export const OTHER_POOL = prefix("2605:59c8:7700::/40");
const OTHER = "2605:59c8:77";
const OPENED = 8080;
/** What `ip monitor` says, "[2027-01-31T12:00:00.123456] 2: eth0 inet6 2605:...:1/64 scope global dynamic ...": the new one may be used. */
const USABLE = new RegExp(`^\\[(\\S+)\\] (?!.*(?:tentative|Deleted)).* (${OTHER}[0-9a-f:]*)/`);
const LEFT = new RegExp(`^\\[(\\S+)\\] .* ${DELEGATED}[0-9a-f:]*/.* deprecated `);
/** Milliseconds after which what has not happened is said not to happen. */
export const PATIENCE = 160_000;

/** When it came; seconds since 1970, undefined: not in time. */
export interface Moments {
  /** The Reply with the new prefix has come in at the gateway. */
  readonly reply: number | undefined;
  /** An advertisement to all nodes is permitted again (RA-5), if one was sent just before the Reply. */
  readonly permitted: number | undefined;
  /** The LAN has been told the new prefix. */
  readonly announced: number | undefined;
  /** ... and that the old one is not preferred any more. */
  readonly told: number | undefined;
  /** The host's kernel has deprecated its old address. */
  readonly left: number | undefined;
  /** The host's new address has passed duplicate address detection. */
  readonly usable: number | undefined;
  /** A new connection of the host to the internet has succeeded. */
  readonly connected: number | undefined;
  /** A connection from the internet to the host's new address and an opened port has succeeded. */
  readonly reached: number | undefined;
  /** How many advertisements to all nodes came after the Reply and before the LAN was told. */
  readonly between: number;
}

export class RenumberingWatch implements AsyncDisposable {
  readonly #home: Home;
  readonly #lan: LinkWatch;
  readonly #wan: LinkWatch;
  readonly #addresses: Running;
  readonly #outwards: Series<Try>;
  /** When a connection from outside to the new address has succeeded. */
  #reached: number | undefined;

  private constructor(home: Home) {
    this.#home = home;
    this.#lan = watchLink(home.laptop);
    this.#wan = watchLink(home.gateway, "wan");
    this.#addresses = home.laptop.spawn(["ip", "-tshort", "-oneline", "-6", "monitor", "address"], { env: { TZ: "UTC" } });
    // No sooner: a gateway that asks in vain who has an address asks again only after a second.
    this.#addresses.onLine((line) => USABLE.test(line) && void this.#knock(line));
    this.#outwards = watchWeb(home.laptop, webUrl(NET_ADDRESS), { every: PACE, timeout: PROMPT });
  }

  /** @throws NotInTime when the host has no server */
  static async open(home: Home): Promise<RenumberingWatch> {
    await serveWeb(home.laptop, OPENED);
    return new RenumberingWatch(home);
  }

  /** What has come of a renumbering that was ordered at `ordered`, in seconds; waits for all of it, or until time is up. */
  async moments(ordered: number): Promise<Moments> {
    const all = (): Moments | undefined => {
      const seen = this.#moments(ordered);
      return Object.values(seen).every((moment) => moment !== undefined) ? seen : undefined;
    };
    const seen = await until(all, { within: PATIENCE, every: 250, what: "the LAN has moved" }).catch(orNever);
    return seen ?? this.#moments(ordered);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lan[Symbol.dispose]();
    this.#wan[Symbol.dispose]();
    await Promise.all([this.#addresses.stop("SIGKILL"), this.#outwards.stop()]);
  }

  #moments(ordered: number): Moments {
    const reply = this.#wan
      .messages("reply")
      .find(({ at, message }) => at > ordered && "transactionId" in message && optionsOf(message, "ia-pd").some(grantsOther))?.at;
    const multicast = reply === undefined ? undefined : this.#lan.multicasts.findLast(({ at }) => at < reply)?.at;
    const announced = this.#announcement(ordered)?.at;
    const isBetween = (at: number): boolean => reply !== undefined && at >= reply && announced !== undefined && at < announced;
    const deprecated = this.#lan.since(ordered).find(isDeprecated)?.at;
    return {
      reply,
      permitted: reply && Math.max(reply, (multicast ?? 0) + MIN_DELAY_BETWEEN_RAS / 1000),
      announced,
      told: announced && deprecated && Math.max(announced, deprecated),
      left: this.#addressEvent(LEFT),
      usable: this.#addressEvent(USABLE),
      // Before, a try may still have slipped through with the old prefix.
      connected: firstSuccess(this.#outwards.results(), announced ?? Infinity),
      reached: this.#reached,
      between: this.#lan.multicasts.filter(({ at }) => isBetween(at)).length,
    };
  }

  #announcement(ordered: number): SeenRa | undefined {
    return this.#lan.since(ordered).find((ra) => (prefixIn(ra, OTHER)?.preferred ?? 0) > 0);
  }

  /** From outside, to the address that the host has made. A shell, because it is there at once. */
  async #knock(line: string): Promise<void> {
    const address = USABLE.exec(line)![2]!;
    const script = `for try in $(seq 200); do timeout 0.9 bash -c "</dev/tcp/${address}/${OPENED}" && exit; sleep 0.05; done; exit 1`;
    const { code } = await this.#home.net.attempt("bash", "-c", script);
    if (code === 0) this.#reached ??= Date.now() / 1000;
  }

  #addressEvent(pattern: RegExp): number | undefined {
    const said = pattern.exec(this.#addresses.output.split("\n").find((line) => pattern.test(line)) ?? "");
    return said ? Date.parse(`${said[1]}Z`) / 1000 : undefined;
  }
}

const isDeprecated = (ra: SeenRa): boolean => prefixIn(ra, DELEGATED)?.preferred === 0;

const grantsOther = (ia: Parameters<typeof optionsOf>[0]): boolean =>
  optionsOf(ia, "ia-prefix").some(({ prefix: granted, valid }) => granted.startsWith(OTHER) && valid > 0);
