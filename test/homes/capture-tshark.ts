/** A second opinion on what we send: tshark's dissectors. */
import { spawnSync } from "node:child_process";
import type { Mac } from "../../src/addr/mac.ts";

/** Wireshark's severities: notes and chats are no complaints. */
const WARNING = 0x600000;
const OUR_PROTOCOLS = "(icmpv6.type >= 130 && icmpv6.type <= 137) || icmpv6.type == 143 || dhcpv6";

/** Whether tshark is installed. */
export function hasTshark(): boolean {
  return spawnSync("tshark", ["--version"]).status === 0;
}

/**
 * What tshark finds wrong in frames from these link-layer addresses, one line each: anything malformed, and warnings and errors in Neighbor Discovery,
 * MLD and DHCPv6, wrong checksums among them.
 * @throws Error when tshark is missing or can't read the file
 */
export function tsharkComplaints(file: string, ours: readonly Mac[]): string[] {
  const sender = `eth.src in {${ours.join(", ")}}`;
  const expert = `_ws.expert.severity >= ${WARNING} && (${OUR_PROTOCOLS})`;
  const fields = ["frame.number", "_ws.col.Protocol", "_ws.col.Info", "_ws.expert.message"].flatMap((field) => ["-e", field]);
  const checks = ["-o", "udp.check_checksum:TRUE"];
  const filter = `${sender} && (_ws.malformed || (${expert}))`;
  const run = spawnSync("tshark", ["-n", "-r", file, ...checks, "-Y", filter, "-T", "fields", ...fields], { encoding: "utf8" });
  if (run.error) throw new Error("tshark is not installed", { cause: run.error });
  if (run.status !== 0) throw new Error(`tshark cannot read ${file}: ${run.stderr.trim()}`);
  return run.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => `frame ${line.replaceAll("\t", " | ")}`);
}
