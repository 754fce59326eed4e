/** How long something took, and what else the machine did meanwhile. */
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import type pg from "pg";

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

/** What a process holds in memory now, in MB: for itself alone, and with the files it has read, which the kernel shares between processes. NaN where it is not known. */
export function memoryOf(process: number): { own: number; all: number } {
  try {
    const status = readFileSync(`/proc/${process}/status`, "utf8");
    const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1024;
    return { own: megabytes("RssAnon"), all: megabytes("VmRSS") };
  } catch {
    return { own: Number.NaN, all: Number.NaN };
  }
}

/** Processor time of this process, in seconds since `before`. */
export function ownProcessorTime(before?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** A query as a caller: under a database role and with the claims of their token. */
interface CallersQuery {
  role?: string;
  claims: { role: string; sub: string };
  /** What the query needs to know, asked in the same transaction and not counted. */
  prepare?: () => Promise<void>;
  ask: () => Promise<void>;
}

/**
 * Queries one after another in one session, so that its processor time is theirs, each in a transaction of its own as functions ask. The
 * first `warmUps` fill the caches; of the others the median and so on, as text.
 */
export async function timeQueries(
  pool: pg.Pool,
  { warmUps, requests }: { warmUps: number; requests: number },
  queryOf: (client: pg.ClientBase, number: number) => Promise<CallersQuery>,
): Promise<string[]> {
  const client = await pool.connect();
  const { rows } = await client.query("select pg_backend_pid() as process");
  const times: number[] = [];
  let processor = 0;
  for (let number = 0; number < warmUps + requests; number++) {
    const { role = "authenticated", claims, prepare, ask } = await queryOf(client, number);
    await client.query("begin read only");
    await client.query("select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", [
      role,
      JSON.stringify(claims),
    ]);
    await prepare?.();
    const before = processorTime(rows[0].process);
    const started = performance.now();
    await ask();
    if (number >= warmUps) {
      times.push(performance.now() - started);
      processor += (processorTime(rows[0].process) - before) / requests;
    }
    await client.query("commit");
  }
  client.release();
  const all = new Times(times);
  return [`median ${all.at(0.5)} ms`, `95 % ${all.at(0.95)} ms`, `processor ${processor.toFixed(1)} ms`];
}

const turns = 15;
const warmUps = 50;

/** Median wall time of a run, and median processor time over turns of `runs` runs each; in milliseconds. */
export async function byTurns(runs: number, works: (() => Promise<unknown>)[]) {
  const taken = works.map(() => ({ wall: [] as number[], processor: [] as number[] }));
  for (const work of works) for (let i = 0; i < warmUps; i++) await work();
  for (let turn = 0; turn < turns; turn++)
    for (const [w, work] of works.entries()) {
      const before = process.cpuUsage();
      for (let i = 0; i < runs; i++) {
        const started = performance.now();
        await work();
        taken[w].wall.push(performance.now() - started);
      }
      taken[w].processor.push((1000 * ownProcessorTime(before)) / runs);
    }
  return taken.map(({ wall, processor }) => ({ wall: new Times(wall).median, processor: new Times(processor).median }));
}
