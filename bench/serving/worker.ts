/** What one worker holds in memory when many different people have asked it. */
import { startGateway } from "../../serve/gateway.ts";
import { memoryOf } from "../shared/times.ts";
import type { ServedCommunity } from "./community.ts";
import type { Finding } from "./figure.ts";
import { askForFeed } from "./readers.ts";

/** Of V8, in MB, as the platform gives a worker. Left alone it puts off collecting, and 400 MB say nothing of what is held. */
const heap = 256;
const clients = 16;

/** All functions are in one process here, so it holds more than a worker on the platform, which has one. */
export async function measureWorker(
  { database, users }: ServedCommunity,
  people: number,
  folder: string,
): Promise<Finding> {
  const gateway = await startGateway({ databaseUrl: database.url, port: 0, folder, heap });
  try {
    const [first, ...others] = users.slice(0, people);
    const ask = async (user: string) => {
      await askForFeed(gateway.url, await gateway.tokenOf(user));
      return memoryOf(gateway.processId);
    };
    const afterFirst = await ask(first);
    let most = afterFirst;
    const left = others.values();
    const askAll = async () => {
      for (const user of left) most = Math.max(most, await ask(user));
    };
    await Promise.all(Array.from({ length: clients }, askAll));
    return {
      figures: [
        {
          what: `memory of Deno at most, ${clients} clients, feeds of ${people} people, heap of ${heap} MB`,
          value: most,
          unit: "MB",
          floor: { what: "after the first", value: afterFirst },
          bar: { of: "value", must: "be at most", limit: 150 },
        },
      ],
    };
  } finally {
    await gateway.stop();
  }
}
