/** A port, or a range of ports, that the owner opens to the internet: "tcp/22", "udp/5000-5010". */

export interface Opening {
  readonly protocol: "tcp" | "udp";
  /** First and last port, 1..65535. */
  readonly from: number;
  readonly to: number;
}

const FORM = /^(tcp|udp)\/(\d{1,5})(?:-(\d{1,5}))?$/;

/** Reads "tcp/22" or "udp/5000-5010"; undefined when it is neither. */
export function parseOpening(text: string): Opening | undefined {
  const [, protocol, first, last = first] = FORM.exec(text) ?? [];
  if (protocol !== "tcp" && protocol !== "udp") return undefined;
  const [from, to] = [Number(first), Number(last)];
  return from >= 1 && from <= to && to <= 65535 ? { protocol, from, to } : undefined;
}

/** "tcp/22" or "udp/5000-5010". */
export function formatOpening({ protocol, from, to }: Opening): string {
  return from === to ? `${protocol}/${from}` : `${protocol}/${from}-${to}`;
}
