/** One round: every contender in a home of its own, all at the same time. What takes minutes for one takes no longer for four. */
import { createHome, type Home, type HomeOptions, NET_ADDRESS } from "../src/lab/home.ts";
import { fetchWeb, serveWeb, webUrl } from "../src/lab/traffic.ts";
import { NotInTime } from "../src/lab/until.ts";
import type { Contender } from "./contenders.ts";

/** Longest cold start. Milliseconds, as all of these. */
const PATIENCE = 60_000;
/** After it the first advertisements, which come quicker than later ones (RFC 4861 6.2.4), are over. */
export const REST = 15_000;

/** What happens in a home whose LAN is online; by contender, in their order. @throws Error of the first that failed, once all have ended */
export async function sideBySide<T>(
  contenders: readonly Contender[],
  options: HomeOptions,
  measure: (home: Home, contender: Contender) => Promise<T>,
): Promise<readonly T[]> {
  const results = await Promise.allSettled(contenders.map((contender) => inItsHome(contender, options, measure)));
  return results.map((result, index) => {
    if (result.status === "fulfilled") return result.value;
    throw new Error(`${contenders[index]!.name} could not be measured`, { cause: result.reason });
  });
}

async function inItsHome<T>(
  contender: Contender,
  options: HomeOptions,
  measure: (home: Home, contender: Contender) => Promise<T>,
): Promise<T> {
  await using home = await createHome(options);
  await serveWeb(home.net, 80);
  await contender.start(home);
  await fetchWeb(home.laptop, webUrl(NET_ADDRESS), { within: PATIENCE });
  return await measure(home, contender);
}

/** For a wait whose end may honestly not come: undefined when it was not in time. */
export function orNever(error: unknown): undefined {
  if (!(error instanceof NotInTime)) throw error;
}
