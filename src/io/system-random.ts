/** The operating system's randomness, fit for secrets. */
import { randomBytes } from "node:crypto";
import type { Random } from "../addr/random.ts";

export const systemRandom: Random = { uint32: () => randomBytes(4).readUInt32BE() };
