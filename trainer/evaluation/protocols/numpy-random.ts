/**
 * The numbers of numpy's `default_rng(seed).random()` (SeedSequence and PCG64): most published splits are drawn in Python,
 * and a comparison on the same split needs the same numbers.
 */
export class NumpyRandom {
  private state: bigint;
  private readonly increment: bigint;

  /** `seed`: 0 to 2³² − 1. */
  constructor(seed: number) {
    const words = seedWords(seed >>> 0);
    const long = (word: number) => (BigInt(words[word + 1]) << 32n) | BigInt(words[word]);
    this.increment = (((long(4) << 64n) | long(6)) << 1n) | 1n;
    this.state = (this.increment + ((long(0) << 64n) | long(2))) & mask128;
    this.step();
  }

  /** A number from 0 up to, not including, 1. */
  uniform(): number {
    this.step();
    const mixed = (this.state >> 64n) ^ (this.state & mask64);
    const turn = this.state >> 122n;
    const turned = ((mixed >> turn) | (mixed << (64n - turn))) & mask64;
    return Number(turned >> 11n) * 2 ** -53;
  }

  private step(): void {
    this.state = (this.state * 0x2360ed051fc65da44385df649fccf645n + this.increment) & mask128;
  }
}

const mask64 = (1n << 64n) - 1n;
const mask128 = (1n << 128n) - 1n;

/** SeedSequence(seed).generate_state(8). */
function seedWords(seed: number): Uint32Array {
  const scramble = hashOf(0x43b0d7e5, 0x931e8875);
  const pool = Uint32Array.from([seed, 0, 0, 0], scramble);
  for (let source = 0; source < 4; source++) {
    for (let target = 0; target < 4; target++) {
      if (source === target) continue;
      const mixed = Math.imul(0xca01f9dd, pool[target]) - Math.imul(0x4973f715, scramble(pool[source]));
      pool[target] = mixed ^ ((mixed | 0) >>> 16);
    }
  }
  const output = hashOf(0x8b51f9dd, 0x58f38ded);
  return Uint32Array.from({ length: 8 }, (_, word) => output(pool[word % 4]));
}

/** A hash whose constant moves on with every use. */
function hashOf(start: number, multiplier: number): (value: number) => number {
  let constant = start;
  return (value) => {
    const salted = value ^ constant;
    constant = Math.imul(constant, multiplier);
    const product = Math.imul(salted, constant);
    return product ^ (product >>> 16);
  };
}
