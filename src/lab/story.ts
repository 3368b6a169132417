/** What a Starlink home has to do once skylan runs in its gateway: each step is looked for, told in a line when it happens, and kept for the table. */
import type { Status } from "../api/status.ts";
import { hostAddress, subnet, subnetCount } from "../addr/prefix.ts";
import { type Home, NET_ADDRESS, NET_ADDRESS_IPV4 } from "./home.ts";
import { giveIpv4 } from "./static-ipv4.ts";
import { fetchWeb, serveWeb, webUrl } from "./traffic.ts";

/** What the lab opens, and a port that stays closed although somebody listens there. */
export const OPEN_PORT = 8080;
const CLOSED_PORT = 9090;

export interface Check {
  readonly what: string;
  /** What stands behind a failure is not tried: it builds on it. */
  readonly result: "ok" | "failed" | "not tried";
  /** Since skylan was started. */
  readonly seconds: number;
  /** What was found, or why it failed. */
  readonly detail: string;
}

interface Step {
  /** As a statement that is true in the end. */
  readonly what: string;
  /** Looked for until then, in milliseconds; absent: tried once, because another try could start or hide something. */
  readonly within?: number;
  /** Says what it found; undefined, or an error: not yet. */
  readonly look: (home: Home) => Promise<string | undefined>;
}

/** A machine that is busy with other things may be slow; that is no failure of the home. */
const PATIENCE = 30_000;

const STEPS: readonly Step[] = [
  { what: "skylan is up in the gateway", look: startSkylan },
  { what: "the provider's router is heard", within: PATIENCE, look: fromStatus(routerHeard) },
  { what: "a prefix is delegated", within: PATIENCE, look: fromStatus(prefixDelegated) },
  { what: "the gateway has an address of its own", within: PATIENCE, look: fromStatus(gatewayNumbered) },
  { what: "the LAN is numbered", within: PATIENCE, look: fromStatus(lanNumbered) },
  { what: "the LAN is told the provider's resolvers", within: PATIENCE, look: fromStatus(resolversPassedOn) },
  { what: "the laptop has its global address", within: PATIENCE, look: (home) => addressOf(home, "laptop") },
  { what: "the camera has its global address", within: PATIENCE, look: (home) => addressOf(home, "camera") },
  { what: "the laptop fetches a page from the internet", within: PATIENCE, look: laptopFetches },
  { what: "the provider leases an IPv4 address", within: PATIENCE, look: fromStatus(ipv4Leased) },
  { what: "the laptop fetches a page by IPv4, behind the gateway's address", within: PATIENCE, look: laptopFetchesByIpv4 },
  { what: `the internet connects to the laptop on tcp/${OPEN_PORT}`, within: PATIENCE, look: internetConnects },
  { what: `the internet is kept out of tcp/${CLOSED_PORT}`, look: internetIsKeptOut },
  { what: "what the home does not use is unreachable", within: PATIENCE, look: unusedIsUnreachable },
  { what: "skylan finds nothing wrong", within: 2_000, look: fromStatus(nothingWrong) },
];

/** Serves pages in the hosts, starts skylan, and reports each check as it is decided. @throws NotInTime when the home is removed meanwhile */
export async function tellStory(home: Home, report: (check: Check) => void): Promise<readonly Check[]> {
  await Promise.all([giveIpv4(home), serveWeb(home.net, 80), serveWeb(home.laptop, OPEN_PORT, CLOSED_PORT)]);
  const start = performance.now();
  const checks: Check[] = [];
  for (const step of STEPS) {
    const tried = checks.every((check) => check.result === "ok");
    const outcome = tried ? await take(step, home) : ({ result: "not tried", detail: "" } as const);
    const check = { what: step.what, seconds: (performance.now() - start) / 1000, ...outcome };
    checks.push(check);
    if (tried) report(check);
  }
  return checks;
}

async function take({ look, what, within }: Step, home: Home): Promise<Pick<Check, "result" | "detail">> {
  try {
    const probe = (): Promise<string | undefined> => look(home);
    const detail = within === undefined ? await probe() : await home.until(probe, { within, what, every: 20, dump: () => "" });
    return { result: "ok", detail: detail ?? "" };
  } catch (error) {
    if (home.isGone) throw error;
    return { result: "failed", detail: (error as Error).message.trim() };
  }
}

async function startSkylan(home: Home): Promise<string> {
  const { process } = await home.startSkylan({ wan: { ipv4: "dhcp" }, lan: { home: { open: [`tcp/${OPEN_PORT}`] } } });
  return `process ${process.pid}`;
}

function fromStatus(look: (status: Status) => string | undefined): Step["look"] {
  return async (home) => look(await home.status());
}

function routerHeard({ wan }: Status): string | undefined {
  const [router] = wan.routers;
  if (router === undefined || wan.flags === undefined) return undefined;
  const { managed, other } = wan.flags;
  return `${router.address}, M=${managed ? 1 : 0} O=${other ? 1 : 0}`;
}

function prefixDelegated({ delegations: [delegation] }: Status): string | undefined {
  return delegation && `${delegation.prefix}, preferred ${delegation.preferred} s, valid ${delegation.valid} s`;
}

function gatewayNumbered({ wan }: Status): string | undefined {
  return wan.addresses.find((each) => each.state === "ready")?.address;
}

function lanNumbered({ lans: [lan] }: Status): string | undefined {
  const subnet = lan?.subnets[0];
  return subnet && `${subnet.prefix}, the gateway is ${subnet.address}`;
}

function resolversPassedOn({ lans: [lan] }: Status): string | undefined {
  return lan?.resolvers.join(", ");
}

function nothingWrong({ problems }: Status): string {
  if (problems.length > 0) throw new Error(problems.map((problem) => problem.text).join("\n"));
  return "no problem, no warning";
}

async function addressOf(home: Home, host: string): Promise<string | undefined> {
  return (await home.addresses(host)).find((each) => each.state === "preferred")?.address;
}

async function laptopFetches(home: Home): Promise<string> {
  return quoted(await fetchWeb(home.laptop, webUrl(NET_ADDRESS)));
}

function ipv4Leased({ ipv4 }: Status): string | undefined {
  if (!ipv4?.lease || !ipv4.forwarding) return undefined;
  const { address, isShared, valid } = ipv4.lease;
  return `${address}${isShared ? ", behind the provider's NAT" : ""}, valid ${valid} s`;
}

async function laptopFetchesByIpv4(home: Home): Promise<string> {
  return quoted(await fetchWeb(home.laptop, webUrl(NET_ADDRESS_IPV4)));
}

async function internetConnects(home: Home): Promise<string> {
  return quoted(await fetchWeb(home.net, webUrl((await addressOf(home, "laptop"))!, OPEN_PORT)));
}

async function internetIsKeptOut(home: Home): Promise<string> {
  const url = webUrl((await addressOf(home, "laptop"))!, CLOSED_PORT);
  const answer = await fetchWeb(home.net, url, { within: 1_000 }).catch((error: Error) => error.message);
  if (!/no answer within|EACCES|ECONNREFUSED|EHOSTUNREACH/.test(answer)) throw new Error(`${url}: ${answer}`);
  // Otherwise the silence would prove nothing.
  await fetchWeb(home.camera, url);
  return "no connection from outside; the camera gets one";
}

/**
 * Of the delegation's last /64 the gateway itself says that there is no route (RFC 7084 WPD-5). Without its null route the packet would be thrown to
 * and fro between provider and gateway, and end with "time exceeded", which is another error.
 */
async function unusedIsUnreachable(home: Home): Promise<string> {
  const { prefix } = (await home.status()).delegations[0]!;
  const unused = hostAddress(subnet(prefix, 64, subnetCount(prefix, 64) - 1), 1n);
  const answer = await fetchWeb(home.laptop, webUrl(unused), { within: 2_500, every: 2_500 }).catch((error: Error) => error.message);
  if (!answer.includes("ENETUNREACH")) throw new Error(`${unused}: ${answer}`);
  return `${unused}: no route`;
}

const quoted = (page: string): string => `"${page.trim()}"`;
