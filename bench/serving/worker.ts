/** What one worker holds in memory when many different people have asked it. */
import { startGateway } from "../../serve/gateway.ts";
import { memoryOf } from "../shared/times.ts";
import type { ServedCommunity } from "./community.ts";
import type { Finding } from "./figure.ts";
import { askForFeed } from "./readers.ts";

/** All functions are in one process here, so it holds more than a worker on the platform, which has one. */
export async function measureWorker(
  { database, users }: ServedCommunity,
  people: number,
  folder: string,
): Promise<Finding> {
  const gateway = await startGateway({ databaseUrl: database.url, port: 0, folder });
  try {
    const memory: number[] = [];
    for (const user of users.slice(0, people)) {
      await askForFeed(gateway.url, await gateway.tokenOf(user));
      memory.push(memoryOf(gateway.processId));
    }
    return {
      figures: [
        {
          what: `memory of Deno after the feeds of ${memory.length} people`,
          value: memory[memory.length - 1],
          unit: "MB",
          floor: { what: "after the first", value: memory[0] },
          bar: { of: "value", must: "be at most", limit: 150 },
        },
      ],
    };
  } finally {
    await gateway.stop();
  }
}
