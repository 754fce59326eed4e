/** Wall time and peak memory of the steps of a run. */
import { Worker } from "node:worker_threads";
import type { OnProgress } from "../../../db/progress.ts";

export interface StepUse {
  step: string;
  seconds: number;
  /** The most memory (RSS) this process held meanwhile; the database is a process of its own. */
  megabytes: number;
}

/** Looks every 20 ms from a thread of its own: much of the work blocks the event loop of the main thread. */
const watcher = `
const peak = new Int32Array(require("node:worker_threads").workerData);
setInterval(() => {
  const now = Math.round(process.memoryUsage.rss() / 1e6);
  if (now > Atomics.load(peak, 0)) Atomics.store(peak, 0, now);
}, 20);`;

/** Measures one step at a time: one that begins ends the one before. A step that comes again adds to what it took before. */
export class StepMeter {
  private readonly peak = new Int32Array(new SharedArrayBuffer(4));
  private readonly worker: Worker;
  private readonly uses = new Map<string, StepUse>();
  private open: { step: string; started: number } | undefined;

  constructor() {
    this.worker = new Worker(watcher, { eval: true, workerData: this.peak.buffer });
    this.worker.unref();
  }

  begin(step: string): void {
    if (this.open?.step === step) return;
    this.end();
    Atomics.store(this.peak, 0, Math.round(process.memoryUsage.rss() / 1e6));
    this.open = { step, started: performance.now() };
  }

  /** Passes progress on; a step begins with the first progress it makes. */
  watch(onProgress: OnProgress): OnProgress {
    return (progress) => {
      this.begin(progress.step);
      onProgress(progress);
    };
  }

  /** Ends the open step; returns all steps so far, in the order in which they first began. */
  end(): StepUse[] {
    if (this.open) {
      const { step, started } = this.open;
      const use = this.uses.get(step) ?? { step, seconds: 0, megabytes: 0 };
      use.seconds += (performance.now() - started) / 1000;
      use.megabytes = Math.max(use.megabytes, Atomics.load(this.peak, 0));
      this.uses.set(step, use);
      this.open = undefined;
    }
    return [...this.uses.values()].map((use) => ({ ...use }));
  }

  /** Starts over, keeping the uses of steps that are not done again. */
  restart(before: StepUse[]): void {
    this.end();
    this.uses.clear();
    for (const use of before) this.uses.set(use.step, { ...use });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}

/** The whole, and where most of it went, in one line. */
export function stepsLine(steps: StepUse[]): string {
  const seconds = steps.reduce((sum, step) => sum + step.seconds, 0);
  const largest = steps.reduce((a, b) => (b.megabytes > a.megabytes ? b : a));
  const longest = steps.toSorted((a, b) => b.seconds - a.seconds).slice(0, 4);
  return `${seconds.toFixed(0)} s, at most ${largest.megabytes} MB (${largest.step}); longest: ${longest
    .map((step) => `${step.step} ${step.seconds.toFixed(0)} s`)
    .join(", ")}`;
}
