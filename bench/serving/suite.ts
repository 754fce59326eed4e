/** The benchmarks of serving by name. They share a community, which is made up when the first of them needs it. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Scope } from "../../db/testing.ts";
import { withoutPooler } from "../../db/testing-pooler.ts";
import { postgresServer } from "../shared/workspace.ts";
import { measureBundles } from "./bundle.ts";
import { makeUpCommunity } from "./community.ts";
import { feedFinding, measureScale, timeFeeds } from "./feed.ts";
import type { Finding } from "./figure.ts";
import type { Name } from "./names.ts";
import { measurePooler } from "./pooler.ts";
import { measurePublish } from "./publish.ts";
import { measureRanker } from "./ranker.ts";
import { measureRecall } from "./recall.ts";
import { measureReplica } from "./replica.ts";
import { measureStart } from "./start.ts";
import { measureWorker } from "./worker.ts";

interface SuiteOptions {
  /** Of the community; `scale` and `publish` take ten times as many. */
  posts: number;
  /** How many are asked one after another; those that take longer, `recall` and `start`, make do with a third and a thirtieth; `worker` takes seven times as many, `ranker` 300 pairs each. */
  requests: number;
  /** How long `pooler` asks. */
  seconds: number;
  /** For whatever is needed on the way. */
  folder: string;
  /** Told what is to be cleaned up when all is measured. */
  scope: Scope;
}

/** Each benchmark as what runs it. */
export function openSuite({
  posts,
  requests,
  seconds,
  folder,
  scope,
}: SuiteOptions): Record<Name, () => Promise<Finding>> {
  const small = once(async () => {
    const community = await makeUpCommunity(await postgresServer(), posts);
    scope.after(() => community.database.close());
    return community;
  });
  const feeds = once(async () => timeFeeds(await small(), requests, folder));
  const large = 10 * posts;
  return {
    feed: async () => feedFinding(await feeds(), sizeOf(posts)),
    async pooler() {
      await installPooler();
      return await measurePooler(scope, await small(), seconds, folder);
    },
    async replica() {
      await installPooler();
      return await measureReplica(scope, { posts, requests, seconds, folder });
    },
    worker: async () => measureWorker(await small(), 7 * requests, folder),
    recall: async () => measureRecall(await small(), Math.ceil(requests / 3)),
    start: async () => measureStart(await small(), Math.ceil(requests / 30), folder),
    ranker: () => measureRanker([500, 1000], 300 * requests),
    bundle: measureBundles,
    async scale() {
      const ofSmall = await feeds();
      const community = await makeUpCommunity(await postgresServer(), large);
      try {
        return await measureScale(community, ofSmall, { large: sizeOf(large), small: sizeOf(posts) }, requests, folder);
      } finally {
        await community.database.close();
      }
    },
    publish: async () => measurePublish(await postgresServer(), large, folder),
  };
}

const sizeOf = (posts: number) => `${posts.toLocaleString("en")} posts`;

/** Runs `make` once and returns the same result to all callers. */
function once<Result>(make: () => Promise<Result>): () => Promise<Result> {
  let made: Promise<Result> | undefined;
  return () => (made ??= make());
}

async function installPooler(): Promise<void> {
  if (withoutPooler())
    await promisify(execFile)("bash", [fileURLToPath(new URL("../../db/setup-postgres.sh", import.meta.url))]);
}
