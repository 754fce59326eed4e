/** `POST /embed`, called by pg_cron every ten seconds while posts or users wait for a vector: embeds them. */
import { type Embedded, embedBatch } from "../_shared/embed/embed-batch.ts";
import type { ServiceFunction } from "../_shared/http/edge-function.ts";

/** No batch begins after this long: a worker of the platform has 2 s of CPU a request, and the next call comes in 10 s. */
const enough = 1_000;

export const embedFunction: ServiceFunction<void> = {
  name: "embed",
  callers: "service",
  maximumBodyBytes: 1024,
  read: { POST: () => undefined },
  async answer(_input, _call, services): Promise<Embedded> {
    const total = { completed: 0, failed: 0 };
    for (const end = Date.now() + enough; Date.now() < end; ) {
      const batch = await embedBatch(services);
      if (!batch) break;
      total.completed += batch.completed;
      total.failed += batch.failed;
    }
    return total;
  },
};
