import { readFile } from "node:fs/promises";

/** Processor time of a process so far in milliseconds, in steps of 10; NaN where it is not known. */
export async function processorTime(process: number): Promise<number> {
  const stat = await readFile(`/proc/${process}/stat`, "utf8").catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return 10 * (Number(fields[11]) + Number(fields[12]));
}
