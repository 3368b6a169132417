/** The provider of a home: its router in the namespace `isp`, and the program that serves the customer's link there. */
import type { Dhcpv6ServerOptions } from "../machines/dhcpv6-server.ts";
import { startEmbeddedIsp } from "./isp-embedded.ts";
import { startKeaIsp } from "./isp-kea.ts";
import type { Namespace } from "./namespace.ts";
import type { Dhcpv4Leasing } from "./provider-dhcpv4.ts";
import type { ProviderCommand } from "./provider.ts";
import { type Advertising, type ProviderProfile, type ReplyManner, STARLINK } from "./provider-profile.ts";

/** Our own provider, radvd and Kea of Debian, or a router that says nothing by itself. */
export type IspKind = "embedded" | "kea" | "none";

/** What is different from Starlink. */
export interface IspChanges {
  readonly advertising?: Partial<Advertising>;
  readonly dhcpv6?: Partial<Omit<Dhcpv6ServerOptions, "duid">>;
  readonly replies?: ReplyManner;
  readonly dhcpv4?: Partial<Dhcpv4Leasing>;
}

export interface IspSite {
  readonly namespace: Namespace;
  /** The interface on the customer's link. */
  readonly interface: string;
  /** For settings, logs and the control socket; it exists. */
  readonly directory: string;
}

/** A provider that runs. */
export interface Isp {
  readonly namespace: Namespace;
  /** Changes how the provider behaves. @throws Error when this kind of provider takes no commands, or not this one */
  command(command: ProviderCommand): Promise<unknown>;
  /** Everything the provider's programs have said. */
  output(): string;
  /** Ends its programs, as a power cut would: no farewell. Routes stay. */
  stop(): Promise<void>;
  /** Starts them again, with what they have on disk. */
  start(): Promise<void>;
}

/** Starts the provider in its namespace. @throws NotInTime when its programs do not come up */
export async function startIsp(kind: IspKind, site: IspSite, changes: IspChanges): Promise<Isp> {
  const isp =
    kind === "embedded" ? startEmbeddedIsp(site, changes) : kind === "kea" ? startKeaIsp(site, profileOf(changes)) : silentIsp(site);
  await isp.start();
  return isp;
}

function profileOf(changes: IspChanges): ProviderProfile {
  return {
    ...STARLINK,
    advertising: { ...STARLINK.advertising, ...changes.advertising },
    dhcpv6: { ...STARLINK.dhcpv6, ...changes.dhcpv6 },
    dhcpv4: { ...STARLINK.dhcpv4, ...changes.dhcpv4 },
  };
}

function silentIsp({ namespace }: IspSite): Isp {
  return {
    namespace,
    command: () => Promise.reject(new Error("there is no provider that could take a command")),
    output: () => "",
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}
