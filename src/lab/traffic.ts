/** Traffic between hosts of the lab: pages, tries at a steady pace, and a connection that must not break. */
import type { Namespace } from "./namespace.ts";
import type { Running } from "./running.ts";
import { nodeCommand } from "./script-path.ts";

const STARTING = 60_000;

/** `[2605:...]` for URLs. */
export const webUrl = (address: string, port = 80): string => `http://${address.includes(":") ? `[${address}]` : address}:${port}/`;

/** A web server in a host, ready on all `ports`. @throws NotInTime */
export async function serveWeb(host: Namespace, ...ports: readonly number[]): Promise<Running> {
  const server = host.spawn(nodeCommand("web-server", host.name, ...ports.map(String)));
  for (const port of ports) await server.line(new RegExp(`^listening on ${port}$`), STARTING);
  return server;
}

/** The page at `url`; tries again until `within` milliseconds have passed. @throws CommandFailed with the last error */
export function fetchWeb(host: Namespace, url: string, { within = 5_000, every = 50 } = {}): Promise<string> {
  return host.exec(...nodeCommand("web-client", url, "--within", String(within), "--every", String(every)));
}

/** One try of a connection. */
export interface Try {
  /** Wall-clock milliseconds at its start. */
  readonly at: number;
  /** How long it took. */
  readonly ms: number;
  readonly ok?: true;
  readonly error?: string;
}

/** A steady series of something, while other things happen. */
export interface Series<T> extends AsyncDisposable {
  /** So far. */
  results(): readonly T[];
  stop(): Promise<readonly T[]>;
}

/** Opens a new connection every `every` milliseconds and fetches the page. */
export function watchWeb(host: Namespace, url: string, { every = 100, timeout = 2_000 } = {}): Series<Try> {
  return series(host.spawn(nodeCommand("web-client", url, "--watch", "--every", String(every), "--timeout", String(timeout))));
}

/** Each echo of a conversation, or why it ended. */
export type Echo = { readonly n: number; readonly ms: number } | { readonly ended: string };

/** One TCP connection from one host to another on which something is said every `every` milliseconds. @throws NotInTime when it can't be opened */
export async function converse(from: Namespace, to: Namespace, address: string, port: number, { every = 100 } = {}): Promise<Series<Echo>> {
  const listener = to.spawn(nodeCommand("conversation", "listen", String(port)));
  await listener.line(/^listening/, STARTING);
  const talker = from.spawn(nodeCommand("conversation", "talk", address, String(port), String(every)));
  await talker.line(/"n":/, STARTING);
  return series(talker, listener);
}

function series<T>(running: Running, ...others: readonly Running[]): Series<T> {
  const results = (): readonly T[] =>
    running.output
      .slice(0, running.output.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as T);
  const stop = async (): Promise<readonly T[]> => {
    await Promise.all([running, ...others].map((each) => each.stop("SIGKILL")));
    return results();
  };
  return { results, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}
