/** `skylan devices` for people: a line for each device, its addresses below it, and what those can do who show their MAC address to the world. */
import type { AddressNature, Evidence } from "../machines/device.ts";
import type { DeviceAddressStatus, DevicesStatus, DeviceStatus } from "./devices.ts";
import { COLOURED, type Ink, PAGE_WIDTH, printable, UNCOLOURED, wrap } from "./page-layout.ts";
import { spanWords } from "./span-words.ts";

const HEADINGS = ["NAME", "LAN", "SEEN", "PRIVACY", "MAC ADDRESS", "VENDOR"] as const;
/** Longer ones are cut: a device may call itself what it likes. */
const LONGEST_NAME = 24;
/** The column that is painted. */
const PRIVACY = HEADINGS.indexOf("PRIVACY");

/** The page, without a final newline. */
export function formatDevices({ at, devices }: DevicesStatus, { color }: { readonly color: boolean }): string {
  const ink = color ? COLOURED : UNCOLOURED;
  if (devices.length === 0) return "No device has been seen on the LANs yet.";
  const rows = devices.map((device) => cellsOf(device, at));
  const widths = HEADINGS.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[], paint: (text: string, column: number) => string): string =>
    cells
      .map((cell, i) => paint(i < cells.length - 1 ? cell.padEnd(widths[i]!) : cell, i))
      .join("  ")
      .trimEnd();
  const blocks = devices.map((device, i) => {
    const paint = (text: string, column: number): string => (column === PRIVACY ? privacyInk(device, ink)(text) : text);
    return [line(rows[i]!, paint), ...addressLines(device, ink)];
  });
  return [line(HEADINGS, ink.strong), ...blocks.flat(), ...remedies(devices, ink)].join("\n");
}

function cellsOf(device: DeviceStatus, at: string): readonly string[] {
  const { name, lan, present, lastSeen, mac, randomMac, vendor } = device;
  const ago = Math.max(0, Math.round((Date.parse(at) - Date.parse(lastSeen)) / 1000));
  const seen = present ? "here" : `${spanWords(ago)} ago`;
  return [printable(name ?? "-").slice(0, LONGEST_NAME), lan, seen, privacyOf(device), mac, randomMac ? "made up by it" : (vendor ?? "")];
}

type Privacy = "shows its MAC" | "half hidden" | "hidden" | "-";

/** Only what the internet sees counts. A device with temporary addresses calls from those, whatever its lasting one shows (RFC 6724 rule 7). */
function privacyOf({ showsMac, addresses }: DeviceStatus): Privacy {
  const seen = addresses.filter(({ scope, current, silent }) => scope === "global" && current && !silent);
  if (showsMac) return seen.some(({ nature }) => nature === "temporary") ? "half hidden" : "shows its MAC";
  return seen.length > 0 ? "hidden" : "-";
}

function privacyInk(device: DeviceStatus, ink: Ink): (text: string) => string {
  switch (privacyOf(device)) {
    case "shows its MAC":
      return ink.bad;
    case "half hidden":
      return ink.warning;
    case "hidden":
      return ink.good;
    case "-":
      return ink.plain;
  }
}

const NATURES: Readonly<Record<AddressNature, string>> = {
  "mac-derived": "made from its MAC address",
  stable: "stable",
  temporary: "temporary",
  unknown: "stable or temporary, not known yet",
};

const EVIDENCE: Readonly<Record<Evidence, string>> = {
  mac: "",
  lease: "leased by DHCP",
  "same-identifier": "the same identifier in several prefixes",
  alone: "the only one it probed for when it came",
  returned: "it came back with it",
  old: "older than any temporary one",
  late: "taken beside another one",
};

function addressLines({ addresses }: DeviceStatus, ink: Ink): readonly string[] {
  const shown = addresses.filter(({ current, silent }) => current && !silent).toSorted((a, b) => rank(a) - rank(b));
  const width = Math.max(0, ...shown.map(({ address }) => address.length));
  return shown.map((each) => `    ${each.address.padEnd(width)}  ${ink.faint(addressWords(each))}`.trimEnd());
}

const SCOPES: readonly DeviceAddressStatus["scope"][] = ["ipv4", "global", "unique-local", "link-local"];
const rank = ({ scope }: DeviceAddressStatus): number => SCOPES.indexOf(scope);

function addressWords({ scope, nature, evidence }: DeviceAddressStatus): string {
  const why = evidence === undefined ? "" : EVIDENCE[evidence];
  if (scope === "ipv4") return why;
  const where = scope === "global" ? "" : scope === "unique-local" ? "only in the home, " : "only on its link, ";
  if (scope === "link-local" && nature !== "mac-derived") return "only on its link";
  return `${where}${NATURES[nature]}${why === "" ? "" : `: ${why}`}`;
}

/** How the systems are told to make addresses that show nothing (RFC 7217, RFC 8981). */
const REMEDIES: readonly (readonly [system: string, remedy: string])[] = [
  ["NetworkManager", "nmcli connection modify NAME ipv6.addr-gen-mode stable-privacy ipv6.ip6-privacy 2"],
  ["networkd", "in its .network file: [Network] IPv6PrivacyExtensions=yes, and [IPv6AcceptRA] Token=prefixstable"],
  ["dhcpcd", 'in /etc/dhcpcd.conf: "slaac private" in place of "slaac hwaddr"'],
  ["Linux alone", "sysctl net.ipv6.conf.all.use_tempaddr=2, and addr_gen_mode=3 for the interface; CentOS 6 knows the first only"],
  ["Windows", "Set-NetIPv6Protocol -RandomizeIdentifiers Enabled -UseTemporaryAddresses Enabled"],
  ["macOS, iOS", "hidden since macOS 10.12 and iOS 10; an older one needs an update"],
  ["Android", "hidden since Android 6; an older one needs an update"],
  [
    "printer, camera",
    'look for "privacy extensions" or "temporary address" in its IPv6 settings; many have none: give them a LAN of their own',
  ],
];

function remedies(devices: readonly DeviceStatus[], ink: Ink): readonly string[] {
  const open = devices.filter((device) => privacyOf(device) === "shows its MAC").map(({ name, mac }) => printable(name ?? mac));
  const half = devices.some((device) => privacyOf(device) === "half hidden") ? ["", ...wrap(HALF_HIDDEN, PAGE_WIDTH)] : [];
  if (open.length === 0) return half;
  const who =
    open.length === 1
      ? `${open[0]} shows its MAC address to everyone it speaks`
      : `${open.join(", ")} show their MAC addresses to everyone they speak`;
  const intro = wrap(`${who} to, and can be followed from net to net by it. What helps:`, PAGE_WIDTH);
  const width = Math.max(...REMEDIES.map(([system]) => system.length));
  const lines = REMEDIES.flatMap(([system, remedy]) =>
    wrap(remedy, PAGE_WIDTH - width - 4).map((text, i) => `  ${ink.strong((i === 0 ? system : "").padEnd(width))}  ${text}`),
  );
  return [...half, "", ...intro.map(ink.warning), ...lines];
}

const HALF_HIDDEN =
  "half hidden: it calls from temporary addresses, but the one that stays is made from its MAC address, and shows it to whoever learns that one.";
