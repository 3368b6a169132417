/** How the lab looks on a screen: lines of the story, the table at the end, and what to do next. */
import type { IspKind } from "./isp.ts";
import { OPEN_PORT, type Check } from "./story.ts";

export interface Palette {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly green: (text: string) => string;
  readonly red: (text: string) => string;
}

/** Colours, or none when a file or a program reads it. */
export function palette(color: boolean): Palette {
  const paint = (on: number, off: number) => (text: string) => (color ? `\x1b[${on}m${text}\x1b[${off}m` : text);
  return { bold: paint(1, 22), dim: paint(2, 22), green: paint(32, 39), red: paint(31, 39) };
}

const PROVIDERS: Readonly<Record<IspKind, string>> = {
  embedded: "our own, with Starlink's profile",
  kea: "radvd and Kea, with Starlink's profile",
  none: "silent",
};

export function formatTitle(isp: IspKind, { bold, dim }: Palette): string {
  return [
    bold("A Starlink home in network namespaces"),
    "",
    "  net ────── isp ────── gateway ──┬── laptop",
    "  internet   provider   skylan    └── camera",
    "",
    dim(`  The provider is ${PROVIDERS[isp]}.`),
    "",
  ].join("\n");
}

/** `  0.84 s  ✓ a prefix is delegated: 2605:...` */
export function formatCheck({ what, result, seconds, detail }: Check, { green, red, dim }: Palette): string {
  const time = dim(`${seconds.toFixed(2).padStart(6)} s`);
  if (result === "ok") return `${time}  ${green("✓")} ${what}${dim(`: ${detail}`)}`;
  return `${time}  ${red("✗")} not so: ${what}\n${detail.replace(/^/gm, "            ")}`;
}

export function formatTable(checks: readonly Check[], { bold, green, red }: Palette): string {
  const width = Math.max(...checks.map((check) => check.what.length));
  const results = { ok: green("ok       "), failed: red("FAILED   "), "not tried": "not tried" };
  const row = ({ what, result, seconds }: Check): string =>
    `  ${what.padEnd(width)}  ${results[result]}  ${result === "not tried" ? "" : seconds.toFixed(2).padStart(7)}`.trimEnd();
  const passed = checks.filter((check) => check.result === "ok").length;
  const sum = passed === checks.length ? green(`All ${passed} checks passed.`) : red(`${passed} of ${checks.length} checks passed.`);
  return ["", bold(`  ${"check".padEnd(width)}  result     seconds`), ...checks.map(row), "", `  ${sum}`].join("\n");
}

/** What a person may try while the lab stays up; `skylan` is how the command is called here, `fetch` what gets a page. */
export function formatHints(skylan: string, fetch: string, { bold, dim }: Palette): string {
  const hints = [
    [`${skylan} lab exec laptop -- ip -6 addr`, "what plain Linux has made of it"],
    [`${skylan} lab exec gateway -- skylan status`, "everything on one page"],
    [`${skylan} lab exec gateway -- skylan trace`, "each message of the links as it passes"],
    [`${skylan} lab exec net -- ${fetch} 'http://[laptop]:${OPEN_PORT}/'`, "from the internet to the laptop"],
    [`${skylan} lab exec camera`, "a shell in the camera"],
  ] as const;
  const width = Math.max(...hints.map(([command]) => command.length));
  const lines = hints.map(([command, why]) => `  ${command.padEnd(width)}  ${dim(why)}`);
  return ["", bold("The home stays up until Ctrl-C. From another terminal:"), ...lines, ""].join("\n");
}
