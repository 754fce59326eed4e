/** How long something took, and what else the machine did meanwhile. */
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";

/** Sorted times of many requests, in milliseconds. */
export class Times {
  private readonly sorted: number[];

  constructor(times: number[]) {
    this.sorted = times.toSorted((a, b) => a - b);
  }

  quantile(q: number): number {
    return this.sorted[Math.min(this.sorted.length - 1, Math.floor(q * this.sorted.length))];
  }

  get median(): number {
    return this.quantile(0.5);
  }

  /** `at(0.95)`: in milliseconds with one digit. */
  at(q: number, digits = 1): string {
    return this.quantile(q).toFixed(digits);
  }
}

/** The result of some work, and its seconds. */
export async function timed<Result>(work: () => Promise<Result>): Promise<[result: Result, seconds: number]> {
  const started = performance.now();
  const result = await work();
  return [result, (performance.now() - started) / 1000];
}

/** How many processes wanted a core in the last minute, for the end of a line. */
export function load(): string {
  return `load ${loadavg()[0].toFixed(1)}`;
}

/** Processor time of a process so far in milliseconds, in steps of 10; NaN where it is not known. */
export function processorTime(process: number): number {
  try {
    const stat = readFileSync(`/proc/${process}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return Number.NaN;
  }
}

/** Processor time of this process, in seconds since `before`. */
export function ownProcessorTime(before?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
