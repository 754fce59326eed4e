import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** Processor seconds of this process and of those it started that have ended, without PostgreSQL; undefined where there is no Linux. */
export function processorSeconds(): number | undefined {
  try {
    // the name of the program, in brackets, may hold spaces; the fields are utime, stime, cutime and cstime in hundredths
    const fields = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) / 100, 0);
  } catch {
    return undefined;
  }
}

/** The name of the processors and how many there are. */
export function processorName(): string {
  const all = cpus();
  return `${all.length} × ${all[0]?.model.trim() ?? "unknown"}`;
}
