/** `POST /embed`, called by pg_cron every ten seconds while posts or users wait for a vector: embeds them, and has an encoder read a few texts that wait for it. */
import { type Embedded, type EmbedServices, embedBatch } from "../_shared/embed/embed-batch.ts";
import { encodeBatch } from "../_shared/embed/encode-posts.ts";
import type { Encoders } from "../_shared/embed/encoders.ts";
import type { ServiceFunction } from "../_shared/http/edge-function.ts";

/**
 * The most of one call. A worker of the platform has 2 s of CPU a request: 100 posts take ONNX Runtime
 * a millisecond of it. Most of a batch's time is the database's (0.35 s with 150,000 posts), and the next call comes in 10 s.
 */
const mostBatches = 10;
const mostMilliseconds = 5_000;

export const embedFunction: ServiceFunction<void, EmbedServices & { encoders: Encoders }> = {
  name: "embed",
  callers: "service",
  maximumBodyBytes: 1024,
  read: { POST: () => undefined },
  async answer(_input, _call, services): Promise<Embedded> {
    const total = { completed: 0, failed: 0 };
    const end = performance.now() + mostMilliseconds;
    for (let n = 0; n < mostBatches && performance.now() < end; n++) {
      const batch = await embedBatch(services);
      if (!batch) break;
      total.completed += batch.completed;
      total.failed += batch.failed;
    }
    // after what is quick: it may take the rest of the processor time that the platform gives a request
    await encodeBatch(services);
    return total;
  },
};
