/**
 * The embedded provider on real sockets, in the network namespace where it is started: `node provider-process.ts SETTINGS.json`. It prints a JSON
 * object a line of what it does, obeys commands (provider-control.ts), and routes what it delegates to the customer's router.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { ALL_DHCP_SERVERS, ALL_ROUTERS, type Ip6 } from "../addr/ip.ts";
import { NEVER } from "../addr/time.ts";
import type { Change } from "../diff/change.ts";
import { systemRandom } from "../io/system-random.ts";
import { apply } from "../kernel/apply.ts";
import { BootTimer } from "../kernel/boot-timer.ts";
import { bootNow } from "../kernel/clock.ts";
import { KernelError } from "../kernel/kernel-error.ts";
import { KernelEvents } from "../kernel/events.ts";
import { observe } from "../kernel/observe.ts";
import { dhcpv4AndArp } from "../kernel/packet-filter.ts";
import { openPacketSocket, type PacketSocket } from "../kernel/packet-socket.ts";
import { openRawIcmpv6, type RawIcmpv6 } from "../kernel/raw-icmpv6.ts";
import { openUdp, type UdpSocket } from "../kernel/udp-socket.ts";
import type { Delegation } from "../machines/dhcpv6-server.ts";
import type { UnicastRoute } from "../plan/kernel-state.ts";
import { DHCPV4_SERVER_PORT } from "../wire/dhcpv4.ts";
import { CLIENT_PORT, SERVER_PORT } from "../wire/dhcpv6.ts";
import { NDP_TYPE } from "../wire/ndp.ts";
import { createProvider, type Provider, type ProviderCommand, type ProviderInput, type ProviderOutput } from "./provider.ts";
import { serveCommands } from "./provider-control.ts";
import { broadcastReply } from "./provider-frames.ts";
import { parseSettings, type ProviderSettings, SettingsError } from "./provider-settings.ts";

const ROUTE_METRIC = 1024;
interface Received {
  readonly from: Ip6;
  readonly to: Ip6;
  readonly hopLimit: number;
  readonly sourcePort: number;
  readonly bytes: Uint8Array;
}

export class ProviderProcess {
  readonly #settings: ProviderSettings;
  readonly #print: (line: object) => void;
  readonly #provider: Provider;
  readonly #ndp: RawIcmpv6;
  readonly #dhcpv6: UdpSocket;
  readonly #frames: PacketSocket;
  readonly #timer: BootTimer;
  readonly #events: KernelEvents;
  #up = false;
  #delegations: readonly Delegation[] = [];
  /** Those that stand in the kernel. */
  #routes: readonly UnicastRoute[] = [];

  /** @throws KernelError when the interface is missing or permissions are */
  constructor(settings: ProviderSettings, print: (line: object) => void) {
    const name = settings.interface;
    this.#settings = settings;
    this.#print = print;
    this.#provider = createProvider(settings.profile, systemRandom);
    const hear = (protocol: "ndp" | "dhcpv6") => (packets: readonly Received[]) => {
      for (const packet of packets) this.#handle({ kind: "packet", protocol, packet: { kind: "packet", ...packet } });
    };
    const types = [NDP_TYPE.routerSolicitation, NDP_TYPE.routerAdvertisement];
    this.#ndp = openRawIcmpv6({ interface: name, types, groups: [ALL_ROUTERS], receive: hear("ndp") });
    this.#dhcpv6 = openUdp({ interface: name, port: SERVER_PORT, groups: [ALL_DHCP_SERVERS], receive: hear("dhcpv6") });
    this.#frames = openPacketSocket({
      interface: name,
      filter: dhcpv4AndArp(DHCPV4_SERVER_PORT),
      receive: (frames) => {
        for (const { sent, bytes } of frames) if (!sent) this.#handle({ kind: "frame", bytes });
      },
    });
    this.#timer = new BootTimer(
      () => this.#handle({ kind: "tick" }),
      () => {},
    );
    this.#events = new KernelEvents(() => this.#look());
    this.#look();
  }

  /** Carries a command out; what is delegated then. */
  obey(command: ProviderCommand): object {
    this.#print({ event: "command", ...command });
    this.#handle(command);
    return { delegations: this.#delegations };
  }

  close(): void {
    for (const part of [this.#events, this.#timer, this.#ndp, this.#dhcpv6, this.#frames]) part.close();
  }

  /** The link can be used when it has a carrier and the router's address has passed duplicate address detection. */
  #look(): void {
    const link = observe({ interfaces: [], sysctls: [] }).links.find(({ name }) => name === this.#settings.interface);
    const up = link !== undefined && link.up && link.carrier && link.linkLocal !== undefined;
    if (up === this.#up) return;
    this.#up = up;
    this.#print({ event: "link", up });
    // The kernel drops the routes of a link that goes down; one that only lost its carrier keeps them, and adding them again is harmless.
    if (!up) this.#routes = [];
    this.#handle({ kind: "link", up });
  }

  #handle(input: ProviderInput): void {
    const outputs = this.#provider.handle(input, bootNow());
    for (const output of outputs) if (output.kind === "delegations") this.#delegations = output.delegations;
    this.#route();
    for (const output of outputs) this.#carryOut(output);
    this.#timer.wakeAt(this.#provider.wakeAt() ?? NEVER);
  }

  #carryOut(output: ProviderOutput): void {
    switch (output.kind) {
      case "note":
        this.#print({ event: output.event, level: output.level, text: output.text });
        break;
      case "delegations":
        this.#print({ event: "delegations", delegations: output.delegations });
        break;
      case "send":
        this.#send(output);
        break;
      case "send-frame":
        this.#complain(this.#frames.send(output.bytes));
        break;
    }
  }

  #send(output: Extract<ProviderOutput, { kind: "send" }>): void {
    const { profile } = this.#settings;
    const refusal =
      output.protocol === "ndp"
        ? this.#ndp.send(output.to, output.bytes)
        : profile.replies.kind === "plain"
          ? this.#dhcpv6.send(output.to, CLIENT_PORT, output.bytes)
          : this.#frames.send(broadcastReply(profile.mac, { address: output.from, port: output.sourcePort }, output.to, output.bytes));
    this.#complain(refusal);
  }

  #complain(refusal: KernelError | undefined): void {
    if (refusal) this.#print({ event: "refused", text: refusal.message });
  }

  /** Routes follow what is delegated, through the customer's link-local address, and the WAN prefix is on the link. They stand before we speak. */
  #route(): void {
    const wanted = this.#up ? this.#wantedRoutes() : [];
    const isIn = (routes: readonly UnicastRoute[]) => (route: UnicastRoute) =>
      routes.some(({ destination, gateway }) => destination === route.destination && gateway === route.gateway);
    const gone = this.#routes.filter((route) => !isIn(wanted)(route));
    const added = wanted.filter((route) => !isIn(this.#routes)(route));
    if (gone.length + added.length === 0) return;
    this.#routes = wanted;
    const changes: Change[] = [
      ...gone.map((route) => ({ kind: "route-delete" as const, route })),
      ...added.map((route) => ({ kind: "route-add" as const, route })),
    ];
    try {
      apply(changes);
    } catch (error) {
      // A link that has just gone takes no routes; they come with its return.
      if (!(error instanceof KernelError)) throw error;
      this.#print({ event: "refused", text: error.message });
    }
  }

  #wantedRoutes(): readonly UnicastRoute[] {
    const fixed = {
      kind: "unicast",
      interface: this.#settings.interface,
      metric: ROUTE_METRIC,
      preference: "medium",
      until: NEVER,
    } as const;
    const { prefix } = this.#provider.profile.advertising;
    return [
      ...(prefix ? [{ ...fixed, destination: prefix }] : []),
      ...this.#delegations.map(({ prefix: destination, client }) => ({ ...fixed, destination, gateway: client })),
    ];
  }
}

function main(path: string): void {
  const settings = parseSettings(readFileSync(path, "utf8"));
  const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  const provider = new ProviderProcess(settings, print);
  const server = settings.control === undefined ? undefined : serveCommands(settings.control, (command) => provider.obey(command));
  const stop = (): void => {
    provider.close();
    server?.close();
    process.exit(0);
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
  print({ event: "ready", interface: settings.interface });
}

const [, script, settings] = process.argv;
if (script !== undefined && settings !== undefined && import.meta.url === pathToFileURL(script).href) {
  try {
    main(settings);
  } catch (error) {
    if (!(error instanceof SettingsError || error instanceof KernelError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
