import type { Database } from "./connect.ts";

/** Told how far a long step has come; `total` is left out while nobody can know it. The caller draws the bar. */
export type OnProgress = (progress: { step: string; done: number; total?: number }) => void;

/** What long work in a database is given. */
export interface WorkContext {
  database: Database;
  onProgress: OnProgress;
  /** Ends it between two of its steps. */
  signal: AbortSignal;
}
