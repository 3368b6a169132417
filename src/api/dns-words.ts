/** The page of `skylan dns`. */
import type { DnsStatus } from "./dns-status.ts";
import { layOut, type Row, type Section, UNCOLOURED } from "./page-layout.ts";

/** The page, without a final newline. */
export function formatDns(status: DnsStatus | null): string {
  if (status === null) return "Names are not resolved here: [dns] has no enabled = true. Devices ask the provider's resolvers.";
  const sections: readonly Section[] = [
    { title: "RESOLVER", rows: [{ label: "listens on", cells: [status.listening.join(", ") || "nothing"] }] },
    { title: "ASKS", rows: status.upstreams.length > 0 ? status.upstreams.map(upstreamRow) : [{ label: "", cells: ["nobody yet"] }] },
    { title: "CACHE", rows: cacheRows(status) },
    { title: "COUNTED", rows: counterRows(status) },
  ];
  return sections.map((section) => layOut(section, UNCOLOURED).join("\n")).join("\n\n");
}

function upstreamRow({ name, state, latency, asked, failed }: DnsStatus["upstreams"][number]): Row {
  const time = latency === null ? "" : `${latency} ms`;
  return { label: "", cells: [name, state, time, `asked ${asked}`, failed > 0 ? `failed ${failed}` : ""] };
}

function cacheRows({ cache, pending }: DnsStatus): readonly Row[] {
  const all = cache.hits + cache.misses;
  const share = all === 0 ? "" : `, ${Math.round((cache.hits / all) * 100)} % of ${all} questions`;
  return [
    { label: "answers", cells: [`${cache.entries}, ${Math.ceil(cache.octets / 1024)} KiB`] },
    { label: "hits", cells: [`${cache.hits}${share}`] },
    { label: "on their way", cells: [String(pending)] },
  ];
}

const COUNTERS: readonly (readonly [keyof DnsStatus["counters"], string])[] = [
  ["forwarded", "asked for outside"],
  ["merged", "equal to one on its way"],
  ["stale", "answered with what had expired"],
  ["refused", "refused: updates, transfers, signed ones, too many at once"],
  ["malformed", "malformed"],
  ["strangers", "answers that belonged to no question"],
  ["rebinding", "answers that pointed into the home"],
  ["offLink", "questions from outside the home"],
];

function counterRows({ counters }: DnsStatus): readonly Row[] {
  return COUNTERS.map(([name, meaning]) => ({ label: String(counters[name]), cells: [meaning] }));
}
