/** Seconds of wall and processor time of a training. */
export interface TimeUsed {
  wall: number;
  processor: number;
}

/** Counts what this process uses, on from what earlier attempts at the same training used. */
export class Stopwatch {
  private before: TimeUsed = { wall: 0, processor: 0 };
  private wall = performance.now();
  private processor = process.cpuUsage();

  /** Goes on from what had been used when a stage was finished. */
  startAt(used: TimeUsed): void {
    this.before = used;
    this.wall = performance.now();
    this.processor = process.cpuUsage();
  }

  read(): TimeUsed {
    const { user, system } = process.cpuUsage(this.processor);
    return {
      wall: this.before.wall + (performance.now() - this.wall) / 1000,
      processor: this.before.processor + (user + system) / 1e6,
    };
  }
}
