/** Randomness as a value that is handed in: seeded in tests and the simulator, the system's in the router. */

export interface Random {
  /** A uniform integer in 0..2^32-1. */
  uint32(): number;
}

/** A uniform real number in [low, high). */
export function uniform(random: Random, low: number, high: number): number {
  return low + (random.uint32() / 0x1_0000_0000) * (high - low);
}

/** `count` random octets. */
export function randomBytes(random: Random, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => random.uint32() & 0xff);
}

/** A reproducible source (sfc32 seeded from one 32-bit number). Not for secrets. */
export function seededRandom(seed: number): Random {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, seed >>> 0];
  const uint32 = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) uint32();
  return { uint32 };
}
