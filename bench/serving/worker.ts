/** What one worker holds in memory when many different people have asked it. */
import { startGateway } from "../../serve/gateway.ts";
import { memoryOf } from "../shared/times.ts";
import type { ServedCommunity } from "./community.ts";
import type { Finding } from "./figure.ts";
import { askForFeed } from "./readers.ts";

/** Of V8, in MB, as the platform gives a worker. Left alone it puts off collecting, and 400 MB say nothing of what is held. */
const heap = 256;
/** Where the platform counts half of that, a worker ends as soon as no request waits for it. */
const retiredAt = heap / 2;
const clients = 16;
/** Counting is a request as well, so it is done after each so many feeds. */
const feedsPerCount = 5;

/** With one function, as a worker on the platform has. */
export async function measureWorker(
  { database, users }: ServedCommunity,
  people: number,
  folder: string,
): Promise<Finding> {
  const gateway = await startGateway({ databaseUrl: database.url, port: 0, folder, heap, only: "recommend" });
  try {
    const counted = async () => (await (await fetch(`${gateway.url}/memory`)).json()).counted / 2 ** 20;
    const [first, ...others] = users.slice(0, people);
    const ask = async (user: string) => {
      await askForFeed(gateway.url, await gateway.tokenOf(user));
      return memoryOf(gateway.processId);
    };
    const { own, all } = await ask(first);
    const most = { own, all };
    const ofPlatform = { first: await counted(), most: 0 };
    const left = others.entries();
    const askAll = async () => {
      for (const [i, user] of left) {
        const { own, all } = await ask(user);
        Object.assign(most, { own: Math.max(most.own, own), all: Math.max(most.all, all) });
        if (i % feedsPerCount === 0) ofPlatform.most = Math.max(ofPlatform.most, await counted());
      }
    };
    await Promise.all(Array.from({ length: clients }, askAll));
    const when = `at most, ${clients} clients, feeds of ${people} people, heap of ${heap} MB`;
    return {
      figures: [
        {
          what: `memory of Deno for itself alone ${when}`,
          value: most.own,
          unit: "MB",
          floor: { what: "after the first", value: own },
          bar: { of: "value", must: "be at most", limit: 150 },
        },
        {
          what: `with program and libraries, which all workers share ${when}`,
          value: most.all,
          unit: "MB",
          floor: { what: "after the first", value: all },
        },
        {
          what: `of its own what the platform counts ${when}`,
          value: ofPlatform.most,
          unit: "MB",
          floor: { what: "after the first", value: ofPlatform.first },
          bar: { of: "value", must: "be at most", limit: retiredAt },
        },
      ],
    };
  } finally {
    await gateway.stop();
  }
}
