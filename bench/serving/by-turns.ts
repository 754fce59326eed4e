import { ownProcessorTime, Times } from "../shared/times.ts";

const turns = 15;
const warmUps = 50;

/** Median wall time of a run, without the pause after it, and median processor time over turns of `runs` runs each; in milliseconds. */
export async function byTurns(runs: number, works: (() => Promise<unknown>)[], pause = 0) {
  const taken = works.map(() => ({ wall: [] as number[], processor: [] as number[] }));
  for (const work of works) for (let i = 0; i < warmUps; i++) await work();
  for (let turn = 0; turn < turns; turn++)
    for (const [w, work] of works.entries()) {
      const before = process.cpuUsage();
      for (let i = 0; i < runs; i++) {
        const started = performance.now();
        await work();
        taken[w].wall.push(performance.now() - started);
        if (pause > 0) await new Promise((done) => setTimeout(done, pause));
      }
      taken[w].processor.push((1000 * ownProcessorTime(before)) / runs);
    }
  return taken.map(({ wall, processor }) => ({ wall: new Times(wall).median, processor: new Times(processor).median }));
}
