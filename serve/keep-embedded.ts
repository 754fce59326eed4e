/** Works the queue of re-embedding in this process, where no pg_cron calls the function `embed`: `recsys worker` and `recsys serve`. */
import { openPool } from "../supabase/functions/_shared/database/pool.ts";
import { type Embedded, embedBatch } from "../supabase/functions/_shared/embed/embed-batch.ts";
import { loadRuntime } from "../supabase/functions/_shared/models/inference.ts";
import { modelCache } from "../supabase/functions/_shared/models/models.ts";
import { keep } from "./keep.ts";

export interface KeepEmbeddedOptions {
  /** Milliseconds from an empty queue to the next look. */
  every?: number;
  onBatch?: (batch: Embedded) => void;
  onError?: (error: unknown) => void;
}

/** Embeds what waits, now and again after each `every` milliseconds. The function that it returns ends that, after the batch in work. */
export function keepEmbedded({ url }: { url: string }, options: KeepEmbeddedOptions = {}): () => Promise<void> {
  const { every = 2_000, onBatch, onError = () => {} } = options;
  // as the functions have it: what hangs is given up
  const pool = openPool(url, onError, { max: 1 });
  const services = { pool, models: modelCache(loadRuntime) };
  // an outage or a broken model must not end it: the jobs wait
  const stop = keep(
    async (signal) => {
      for (let batch = await embedBatch(services); batch; batch = signal.aborted ? null : await embedBatch(services))
        onBatch?.(batch);
    },
    every,
    onError,
  );
  return async () => {
    await stop();
    await pool.end();
  };
}
