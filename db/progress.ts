import type { Database } from "./connect.ts";

/** Reports the progress of a long step; `total` is left out while it is unknown. The caller draws the bar. */
export type OnProgress = (progress: { step: string; done: number; total?: number }) => void;

/** What long work in a database is given. */
export interface WorkContext {
  database: Database;
  onProgress: OnProgress;
  /** Ends it between two of its steps. */
  signal: AbortSignal;
}
