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
      const { user, system } = process.cpuUsage(before);
      taken[w].processor.push((user + system) / 1000 / runs);
    }
  return taken.map(({ wall, processor }) => ({ wall: median(wall), processor: median(processor) }));
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}
