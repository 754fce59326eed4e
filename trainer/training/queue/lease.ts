/** Keeps a claim while its training runs: heartbeats, and an end as soon as another worker has taken over. */
import type { OnProgress } from "../../../db/progress.ts";
import type { TrainingContext } from "../../train-into-folder.ts";
import { type Claim, heartbeat } from "./training-queue.ts";

/** Milliseconds between heartbeats; 15 may be lost before the lease is over. */
const every = 20_000;

/** The reason of an abort: another worker has the request. */
export class LeaseLost extends Error {
  constructor() {
    super("another worker has taken it over, because nothing was heard of this one; nothing is published here");
    this.name = "LeaseLost";
  }
}

export class Lease {
  /** Aborts when the worker is told to end, and with `LeaseLost`. */
  readonly signal: AbortSignal;
  /** Passes progress on, and remembers the step for the next heartbeat. */
  readonly onProgress: OnProgress;
  private readonly context: TrainingContext;
  private readonly claim: Claim;
  private readonly lost = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private step = "starting";

  constructor(context: TrainingContext, claim: Claim) {
    this.context = context;
    this.claim = claim;
    this.signal = AbortSignal.any([context.signal, this.lost.signal]);
    this.onProgress = (progress) => {
      this.step = progress.step;
      context.onProgress(progress);
    };
    // in the thread that trains: a training that hangs is silent, as it should be. A database that does not answer
    // does not end it: the lease goes on when it is back, unless another worker was faster
    this.timer = setInterval(() => void this.renew().catch(() => {}), every);
  }

  /** Says that this worker is alive. Throws `LeaseLost` where another one has taken over, or what the database says. */
  async renew(): Promise<void> {
    if (!(await heartbeat(this.context.database, this.claim, this.step))) this.lost.abort(new LeaseLost());
    this.lost.signal.throwIfAborted();
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
