/** One turn of the loop that looks at the real kernel and changes nothing: what `up` would do first. */
import type { Json } from "../addr/json.ts";
import type { Change } from "../diff/change.ts";
import type { Config } from "../config/config.ts";
import { bootNow } from "../kernel/clock.ts";
import { Loop } from "./loop.ts";
import type { Notice } from "../plan/notice.ts";
import type { Past } from "./past.ts";
import { systemRandom } from "../io/system-random.ts";
import { observe } from "../kernel/observe.ts";
import { awaitedWords } from "../plan/awaited-words.ts";

export interface Rehearsal {
  /** What `up` would change at once. With a delegation or a lease in the saved past its addresses and routes are among them. */
  readonly changes: readonly Change[];
  /** What it would do later, in sentences. */
  readonly later: readonly string[];
  /** What it would say that it can't do. */
  readonly notices: readonly Notice[];
}

/** @throws KernelError when the kernel can't be looked at */
export function rehearse(config: Config, past: Past): Rehearsal {
  const changes: Change[] = [];
  const loop = new Loop(
    config,
    {
      now: bootNow,
      random: systemRandom,
      observe,
      // The later rounds of a turn would find the kernel unchanged and want the same again.
      apply: (wanted) => void (changes.length === 0 && changes.push(...wanted)),
      send: () => undefined,
      save: (_name: string, _snapshot: Json) => undefined,
      note: () => undefined,
    },
    past,
  );
  loop.handle({ kind: "kernel" });
  const { desired } = loop.view();
  return { changes, later: desired ? awaitedWords(config, desired) : [], notices: desired?.notices ?? [] };
}
