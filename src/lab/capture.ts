/** Captures of a link by tcpdump, and their reading by tshark: both independent of our own codecs. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Namespace, toolEnvironment } from "./namespace.ts";
import type { Running } from "./running.ts";

const run = promisify(execFile);

export class Capture implements AsyncDisposable {
  /** The pcap file; it grows packet by packet. */
  readonly path: string;
  readonly #tcpdump: Running;

  constructor(path: string, tcpdump: Running) {
    this.path = path;
    this.#tcpdump = tcpdump;
  }

  /** The fields of the packets so far that match a display filter of Wireshark, e.g. ("icmpv6.type == 134", "frame.time_epoch", "ipv6.src"). */
  packets(filter: string, ...fields: readonly string[]): Promise<readonly (readonly string[])[]> {
    return readPackets(this.path, filter, fields);
  }

  /** Ends the capture; the file stays until the home goes. */
  async stop(): Promise<void> {
    await this.#tcpdump.stop("SIGINT");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Captures on an interface. @throws NotInTime when tcpdump does not start */
export async function startCapture(namespace: Namespace, interfaceName: string, path: string): Promise<Capture> {
  const tcpdump = namespace.spawn(["tcpdump", "-i", interfaceName, "-w", path, "-U", "--immediate-mode", "-n", "-s", "0", "-Z", "root"]);
  await tcpdump.line(/listening on/, 30_000);
  return new Capture(path, tcpdump);
}

/** Reads a capture with tshark. Fields with several values are joined by commas. @throws Error when tshark refuses the filter */
async function readPackets(path: string, filter: string, fields: readonly string[]): Promise<readonly (readonly string[])[]> {
  const args = ["-r", path, "-n", "-Y", filter, "-T", "fields", "-E", "separator=/t", ...fields.flatMap((field) => ["-e", field])];
  const { stdout } = await run("tshark", args, { env: { ...toolEnvironment(), HOME: "/nonexistent" }, maxBuffer: 1 << 28 }).catch(
    // A file that is still being written may end within a packet: tshark prints what it has and complains.
    (error: { stdout?: string; stderr?: string; message: string }) => {
      if (/cut short/.test(error.stderr ?? "")) return { stdout: error.stdout ?? "" };
      throw new Error(`tshark: ${error.stderr || error.message}`);
    },
  );
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
}
