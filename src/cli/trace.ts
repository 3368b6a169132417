/** `skylan trace`: every RA, RS, NS, NA, Redirect, MLD, DHCPv6, DHCPv4 and ARP message as a readable line while it passes; works with and without the daemon. */
import { networkInterfaces } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { type Ip, parseIp4, parseIp6 } from "../addr/ip.ts";
import { createClient, NotRunning } from "../api/client.ts";
import { packetJson } from "../api/packet-json.ts";
import { PacketNames } from "../api/packet-names.ts";
import { packetLine, packetWords } from "../api/packet-words.ts";
import { COLOURED, UNCOLOURED } from "../api/page-layout.ts";
import { ConfigError } from "../config/config-error.ts";
import { type CaptureFile, CaptureFileError, openCaptureFile } from "../io/capture-file.ts";
import { KernelError } from "../kernel/kernel-error.ts";
import { openPacketSocket, type PacketSocket } from "../kernel/packet-socket.ts";
import { loadConfig } from "../router/load-config.ts";
import { decodeFrame } from "../wire/frame.ts";
import type { CapturedFrame } from "../wire/pcap.ts";
import { EXIT } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import { configOption, runDirOption } from "./options.ts";
import { TRACE_FILTER } from "./trace-filter.ts";

interface Options {
  readonly config: string;
  readonly runDir: string;
  readonly pcap?: string;
  readonly count?: number;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** Where to listen, and whom we know there already. */
interface Place {
  readonly interfaces: readonly string[];
  readonly names: PacketNames;
}

export function traceCommand(): Command {
  return new Command("trace")
    .description("show router advertisements, Neighbor Discovery, DHCP and ARP as they pass (Ctrl-C ends it)")
    .argument("[interface...]", "where to listen; without: the WAN and the LANs")
    .option("--pcap <file>", "also write them to a capture that tshark and Wireshark open")
    .option("--count <number>", "end after so many packets", parseCount)
    .option("--verbose", "a line for each option of a message")
    .option("--json", "a line of JSON for each packet, for programs")
    .addOption(configOption())
    .addOption(runDirOption())
    .action(async (interfaces: string[], options: Options) => {
      const place = await findPlace(interfaces, options);
      await trace(place, options);
    });
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("it is a number from 1 on.");
  return Number(text);
}

/** The interfaces that were named, or those of the running daemon, or those of the config. */
async function findPlace(named: readonly string[], options: Options): Promise<Place> {
  const roles = (await rolesOfDaemon(options.runDir)) ?? rolesOfConfig(options.config, named.length > 0);
  const names = new PacketNames(roles?.wan);
  for (const router of roles?.routers ?? []) names.addRouter(roles!.wan, router);
  for (const [link, addresses] of Object.entries(networkInterfaces())) {
    for (const { address } of addresses ?? []) {
      const own = parseIp6(address) ?? parseIp4(address);
      if (own !== undefined) names.addOwn(link, own);
    }
  }
  if (named.length > 0) return { interfaces: [...new Set(named)], names };
  return { interfaces: [...new Set([roles!.wan, ...roles!.lans])], names };
}

interface LinkRoles {
  readonly wan: string;
  readonly lans: readonly string[];
  /** On the WAN. */
  readonly routers: readonly Ip[];
}

async function rolesOfDaemon(runDirectory: string): Promise<LinkRoles | undefined> {
  try {
    const { wan, lans, ipv4 } = await createClient(runDirectory).status();
    const routers = [...wan.routers.map((router) => router.address), ...(ipv4?.lease?.routers ?? [])];
    return { wan: wan.interface, lans: lans.map((lan) => lan.interface), routers };
  } catch (error) {
    if (error instanceof NotRunning) return undefined;
    throw error;
  }
}

function rolesOfConfig(file: string, isOptional: boolean): LinkRoles | undefined {
  try {
    const { wan, lans } = loadConfig(file);
    return { wan: wan.interface, lans: lans.map((lan) => lan.interface), routers: [] };
  } catch (error) {
    if (error instanceof ConfigError && isOptional) return undefined;
    throw error;
  }
}

/** Resolves when the user ends it, the count is reached or the reader of our output is gone. */
async function trace({ interfaces, names }: Place, options: Options): Promise<void> {
  const file = options.pcap === undefined ? undefined : openFile(options.pcap, interfaces);
  const sockets: PacketSocket[] = [];
  let count = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      const show = createPrinter(names, options);
      const take = (frame: CapturedFrame): void => {
        if (count === options.count) return;
        file?.write(frame);
        show(frame);
        count++;
        if (count === options.count) resolve();
      };
      for (const link of interfaces) sockets.push(listen(link, guarded(take, reject)));
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
      process.stdout.on("error", (error: NodeJS.ErrnoException) => (error.code === "EPIPE" ? resolve() : reject(error)));
      console.error(`Listening on ${interfaces.join(", ")}. Ctrl-C ends it.`);
    });
  } finally {
    for (const socket of sockets) socket.close();
    file?.close();
  }
  console.error(`${count} ${count === 1 ? "packet" : "packets"}${options.pcap === undefined ? "" : ` in ${options.pcap}`}.`);
}

function openFile(path: string, interfaces: readonly string[]): CaptureFile {
  try {
    return openCaptureFile(path, interfaces);
  } catch (error) {
    throw asFailure(error);
  }
}

function guarded(take: (frame: CapturedFrame) => void, reject: (error: unknown) => void): (frame: CapturedFrame) => void {
  return (frame) => {
    try {
      take(frame);
    } catch (error) {
      reject(asFailure(error));
    }
  };
}

function listen(link: string, take: (frame: CapturedFrame) => void): PacketSocket {
  try {
    return openPacketSocket({
      interface: link,
      filter: TRACE_FILTER,
      receive: (frames) => {
        for (const { at, sent, bytes } of frames) {
          take({ interface: link, time: at, direction: sent ? "out" : "in", bytes, length: bytes.length });
        }
      },
    });
  } catch (error) {
    throw asFailure(error);
  }
}

function asFailure(error: unknown): unknown {
  if (error instanceof CaptureFileError) return new Failure(error.message, EXIT.failed);
  if (!(error instanceof KernelError) || (error.errno !== "EPERM" && error.errno !== "EACCES")) return error;
  return new Failure("listening on an interface needs the right to capture packets (CAP_NET_RAW); run it with sudo", EXIT.permission);
}

function createPrinter(names: PacketNames, options: Options): (captured: CapturedFrame) => void {
  const ink = process.stdout.isTTY === true ? COLOURED : UNCOLOURED;
  return (captured) => {
    const frame = decodeFrame(captured.bytes);
    names.learn(frame, captured);
    const words = packetWords(frame, captured.interface, names);
    if (!words) return;
    const lines = options.json ? [packetJson(words, captured, frame)] : [packetLine(words, captured, ink, clockTime(captured.time))];
    if (options.verbose && !options.json) lines.push(...words.options.map((line) => `    ${ink.faint(line)}`));
    process.stdout.write(`${lines.join("\n")}\n`);
  };
}

/** Local time of day with microseconds. */
function clockTime(nanoseconds: bigint): string {
  const date = new Date(Number(nanoseconds / 1_000_000n));
  const two = (part: number) => String(part).padStart(2, "0");
  const micros = String((nanoseconds / 1000n) % 1_000_000n).padStart(6, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${micros}`;
}
