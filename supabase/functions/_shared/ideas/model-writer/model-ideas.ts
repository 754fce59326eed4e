/**
 * Ideas from a language model, cached per topic with the pool (one hour) and shared by all
 * users; requests contain no user data.
 */
import type { Pool } from "../../database/database.ts";
import type { Idea } from "../idea.ts";
import type { IdeaMaker } from "../idea-pool.ts";
import type { IdeaTopic } from "../read-idea-source.ts";
import { createTtlLoader } from "../ttl-loader.ts";
import { askModel } from "./ask-model.ts";
import { type Endpoint, endpointInVault } from "./endpoint.ts";

/** After a failure, only the community's own ideas are used for a minute. */
const ofTopics = { keptFor: Number.POSITIVE_INFINITY, retryAfter: 60_000 };
const ofVault = { keptFor: 600_000, retryAfter: 0 };
const titlesRead = 50;

/** Ideas of all topics, and the first failure, if any. */
export interface WrittenIdeas {
  ideas: Idea[];
  failure?: unknown;
}

/**
 * `fromEnvironment`: the endpoint of the environment; without it the Vault is read. `now`: milliseconds of any clock.
 */
export function openModelIdeas(fromEnvironment: Endpoint | undefined, now: () => number = () => performance.now()) {
  const written = new WeakMap<IdeaMaker, ReturnType<typeof createTtlLoader<number | null, Idea[]>>>();
  const inVault = createTtlLoader<Pool, Endpoint | undefined>(ofVault, now);
  return {
    /** Ideas on topics; undefined, without a call of `makerOf`, if there is no endpoint. Never throws. */
    async on(
      topics: (IdeaTopic | null)[],
      makerOf: () => Promise<IdeaMaker>,
      database: Pool,
    ): Promise<WrittenIdeas | undefined> {
      try {
        const endpoint = fromEnvironment ?? (await inVault(database, () => endpointInVault(database)));
        if (!endpoint) return undefined;
        const maker = await makerOf();
        const all = await Promise.allSettled(topics.map((topic) => onTopic(endpoint, topic, maker)));
        const failure = all.find((each) => each.status === "rejected")?.reason;
        const ideas = all.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
        return { ideas, ...(failure !== undefined && { failure }) };
      } catch (failure) {
        return { ideas: [], failure };
      }
    },
  };

  function onTopic(endpoint: Endpoint, topic: IdeaTopic | null, maker: IdeaMaker): Promise<Idea[]> {
    const byTopic = written.get(maker) ?? createTtlLoader<number | null, Idea[]>(ofTopics, now);
    written.set(maker, byTopic);
    return byTopic(topic?.id ?? null, () => ask(endpoint, topic, maker));
  }
}

async function ask(endpoint: Endpoint, topic: IdeaTopic | null, maker: IdeaMaker): Promise<Idea[]> {
  const subject = {
    label: topic?.label ?? null,
    terms: topic?.terms ?? [],
    titles: maker.titlesOf(topic?.id ?? null).slice(0, titlesRead),
  };
  return await maker.ideaOf(await askModel(endpoint, subject, maker.isKnownName), "model");
}
