/** `skylan status` for people: the status object as one calm page. */
import { ipv4Section, lanIpv4Rows } from "./ipv4-words.ts";
import { COLOURED, type Ink, layOut, PAGE_WIDTH, type Row, type Section, UNCOLOURED, wrap } from "./page-layout.ts";
import { holderRows } from "./holder-words.ts";
import { spanWords } from "./span-words.ts";
import type { DelegationStatus, EventRecord, LanStatus, Left, PrefixPeriod, Problem, RouteStatus, Status } from "./status.ts";

export interface StatusFormat {
  /** Whether the page goes to a terminal that shows colours. */
  readonly color: boolean;
  /** IANA name; the machine's own when absent. */
  readonly timeZone?: string;
}

/** The page, without a final newline. No line has more than 96 columns but for words that are longer. */
export function formatStatus(status: Status, format: StatusFormat): string {
  const ink = format.color ? COLOURED : UNCOLOURED;
  const clock = wallClock(format.timeZone);
  const sections: Section[] = [
    internetSection(status),
    prefixSection(status, clock),
    ...(status.ipv4 ? [ipv4Section(status.ipv4)] : []),
    ...status.lans.map(lanSection),
    ...(status.gatewayOpen.length > 0 ? [gatewaySection(status.gatewayOpen)] : []),
    ...(status.routes.length > 0 ? [{ title: "ROUTES", rows: status.routes.map(routeRow) }] : []),
  ];
  const blocks = [
    [
      `${ink.strong("skylan")} ${status.version}  running for ${spanWords(status.uptime)}`,
      ...headline(status, ink),
      ...devicesLine(status),
    ],
    ...status.problems.map((problem) => problemLines(problem, ink)),
    ...sections.map((section) => layOut(section, ink)),
    ...(status.events.length > 0 ? [eventLines(status, clock, ink)] : []),
  ];
  return blocks.map((lines) => lines.join("\n")).join("\n\n");
}

/** One sentence that answers whether it works. */
function headline(status: Status, ink: Ink): string[] {
  const { wan, dhcpv6, delegations } = status;
  if (status.forwarding) {
    if (wan.routers.some(({ unreachable }) => !unreachable)) return [ink.good("Online: packets pass between the home and the internet.")];
    return [ink.warning("The provider's router is silent: the home keeps its prefix, but nothing reaches the internet.")];
  }
  if (status.ipv4?.forwarding) {
    const why = dhcpv6.refusal === undefined ? "the provider has not delegated an IPv6 prefix yet" : `no IPv6 prefix: ${dhcpv6.refusal}`;
    return wrap(`Online by IPv4 alone: ${why}.`, PAGE_WIDTH).map(ink.warning);
  }
  if (!wan.carrier) return [ink.bad(`Offline: there is no cable in ${wan.interface}, or nothing at its other end.`)];
  if (delegations.length === 0 && dhcpv6.refusal !== undefined) {
    return wrap(`Offline: the provider refuses a prefix: ${dhcpv6.refusal}`, PAGE_WIDTH).map(ink.bad);
  }
  if (delegations.length === 0) return [ink.warning("Offline: the provider has not delegated a prefix yet.")];
  if (wan.routers.length === 0) return [ink.warning("Offline: no router of the provider has been heard yet.")];
  return [ink.warning("Not ready yet: packets do not pass between the home and the internet.")];
}

/** `skylan devices` names them. */
function devicesLine({ devices: { present, known } }: Status): string[] {
  if (known === 0) return [];
  const away = known > present ? `, ${known - present} more are known` : "";
  return [`${present} ${present === 1 ? "device is" : "devices are"} at home${away} (skylan devices).`];
}

function problemLines(problem: Problem, ink: Ink): string[] {
  const [first, ...rest] = wrap(problem.text, PAGE_WIDTH - 2);
  const remedy = wrap(problem.remedy, PAGE_WIDTH - 4).map((line, i) => (i === 0 ? `  ${ink.strong("→")} ${line}` : `    ${line}`));
  return [`${ink.bad("!")} ${first}`, ...rest.map((line) => `  ${line}`), ...remedy, `  ${ink.faint(problem.name)}`];
}

const ADDRESS_LABELS = { slaac: "address", temporary: "temporary", leased: "leased" } as const;
const ADDRESS_REMARKS = { ready: "", tentative: ", being checked", duplicate: ", in use elsewhere" } as const;

function internetSection({ wan }: Status): Section {
  const rows: Row[] = [
    ...wan.routers.map(({ address, preference, left, unreachable }) => {
      const rank = preference === "medium" ? "" : `, ${preference} preference`;
      return { label: "router", cells: [address, until(left) + rank + (unreachable ? ", does not answer" : "")] };
    }),
    ...wan.addresses.map(({ address, origin, state, preferred, valid }) => {
      return { label: ADDRESS_LABELS[origin], cells: [address, lifetimes(preferred, valid) + ADDRESS_REMARKS[state]] };
    }),
    ...list("link-local", wan.linkLocal === undefined ? [] : [wan.linkLocal]),
    ...list("resolver", wan.resolvers),
    ...list("search", wan.searchDomains),
    ...list("advertised", advertised(wan)),
  ];
  const cable = wan.carrier ? "" : ", no cable";
  return { title: "INTERNET", subtitle: [wan.interface, wan.provider].filter(Boolean).join(", ") + cable, rows };
}

function advertised({ flags, mtu }: Status["wan"]): string[] {
  const words = flags ? [`M=${Number(flags.managed)} O=${Number(flags.other)}`] : [];
  if (mtu !== undefined) words.push(`MTU ${mtu}`);
  return words.length === 0 ? [] : [words.join(", ")];
}

function prefixSection(status: Status, clock: WallClock): Section {
  const { dhcpv6, delegations } = status;
  const rows: Row[] = [
    ...delegations.flatMap(delegationRows),
    { label: "lease", cells: [leaseWords(dhcpv6)] },
    ...list("server", dhcpv6.serverAddress === undefined ? [] : [dhcpv6.serverAddress]),
    ...list("server DUID", dhcpv6.serverDuid === undefined ? [] : [dhcpv6.serverDuid]),
    { label: "our DUID", cells: [dhcpv6.duid] },
    ...status.prefixHistory.map((period, i) => ({ label: i === 0 ? "history" : "", cells: [period.prefix, periodWords(period, clock)] })),
  ];
  return { title: "PREFIX", subtitle: delegations.map((one) => one.prefix).join(", ") || "none", rows };
}

function delegationRows({ prefix, excluded, preferred, valid }: DelegationStatus): Row[] {
  const rows = [{ label: "delegated", cells: [prefix, lifetimes(preferred, valid)] }];
  return excluded === undefined ? rows : [...rows, { label: "excluded", cells: [excluded, "kept by the provider"] }];
}

function leaseWords({ state, renewIn, rebindIn, refusal }: Status["dhcpv6"]): string {
  const words: string[] = [state];
  if (renewIn !== undefined) words.push(renewIn === null ? "never renewed" : `renew in ${spanWords(renewIn)}`);
  if (typeof rebindIn === "number") words.push(`rebind in ${spanWords(rebindIn)}`);
  if (refusal !== undefined) words.push(`refused: ${refusal}`);
  return words.join(", ");
}

function periodWords({ since, until }: PrefixPeriod, clock: WallClock): string {
  return until === undefined ? `since ${clock.minute(since)}` : `${clock.minute(since)} to ${clock.minute(until)}`;
}

function lanSection(lan: LanStatus): Section {
  const rows: Row[] = [
    ...lan.subnets.map(({ prefix, preferred, valid }) => ({ label: "subnet", cells: [prefix, lifetimes(preferred, valid)] })),
    ...lan.withdrawing.map(({ prefix, left }) => ({ label: "withdrawing", cells: [prefix, until(left)] })),
    ...list(
      "gateway",
      lan.subnets.map((subnet) => subnet.address),
    ),
    ...list("resolver", lan.resolvers),
    ...lanIpv4Rows(lan),
    ...list("open", lan.open.length > 0 ? [lan.open.join(", ")] : []),
    { label: "hosts are", cells: [lan.defaultRouter ? "offered the way to the internet" : "not offered a way to the internet"] },
    ...lan.otherRouters.map(({ address, claim }) => ({ label: "other router", cells: [address, claim] })),
    ...holderRows(lan),
    ...lan.dhcpv6Servers.map(({ address, duid }) => ({ label: "DHCPv6 server", cells: [address, `DUID ${duid}`] })),
  ];
  return { title: `LAN ${lan.name}`, subtitle: lan.carrier ? lan.interface : `${lan.interface}, no cable`, rows };
}

function gatewaySection(open: readonly string[]): Section {
  return { title: "THIS BOX", rows: [{ label: "open", cells: [open.join(", ")] }] };
}

function routeRow({ destination, kind, via, interface: link, left }: RouteStatus): Row {
  if (kind === "unreachable") return { label: "", cells: [destination, "refused", ""] };
  const way = via === undefined ? `on ${link}` : `via ${via} on ${link}`;
  return { label: "", cells: [destination, way, left === null ? "" : spanWords(left)] };
}

function eventLines({ at, events }: Status, clock: WallClock, ink: Ink): string[] {
  const today = clock.day(at);
  const times = events.map((event) => (clock.day(event.at) === today ? clock.second(event.at) : clock.minute(event.at)));
  const width = Math.max(...times.map((time) => time.length)) + 2;
  const lines = events.flatMap(({ level, text }, i) => {
    const wrapped = wrap(text, PAGE_WIDTH - 2 - width);
    return wrapped.map((line, j) => `  ${ink.faint((j === 0 ? times[i]! : "").padEnd(width))}${eventInk(level, ink)(line)}`);
  });
  return [ink.strong("LATELY"), ...lines];
}

function eventInk(level: EventRecord["level"], ink: Ink): (text: string) => string {
  switch (level) {
    case "debug":
      return ink.faint;
    case "info":
      return ink.plain;
    case "warning":
      return ink.warning;
    case "error":
      return ink.bad;
  }
}

/** One row per value; only the first is labelled. */
function list(label: string, values: readonly string[]): Row[] {
  return values.map((value, i) => ({ label: i === 0 ? label : "", cells: [value] }));
}

function until(left: Left): string {
  return left === null ? "for ever" : `for ${spanWords(left)}`;
}

function lifetimes(preferred: Left, valid: Left): string {
  if (preferred === 0) return `deprecated, valid ${spanWords(valid)}`;
  if (preferred === valid) return `valid ${spanWords(valid)}`;
  return `preferred ${spanWords(preferred)}, valid ${spanWords(valid)}`;
}

interface WallClock {
  /** "2026-11-23" of an ISO 8601 time. */
  day(iso: string): string;
  /** "2026-11-23 22:16". */
  minute(iso: string): string;
  /** "22:16:02". */
  second(iso: string): string;
}

function wallClock(timeZone: string | undefined): WallClock {
  // Sweden writes dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone });
  const text = (iso: string) => format.format(new Date(iso));
  return { day: (iso) => text(iso).slice(0, 10), minute: (iso) => text(iso).slice(0, 16), second: (iso) => text(iso).slice(11) };
}
