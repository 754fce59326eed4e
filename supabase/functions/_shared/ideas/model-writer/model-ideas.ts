/** The ideas of a language model, asked once an hour for each topic, whoever wants to know: nothing of an author is in what is sent. */
import type { Pool } from "../../database/database.ts";
import type { Idea } from "../idea.ts";
import type { IdeaPool } from "../idea-pool.ts";
import type { IdeaTopic } from "../read-posts.ts";
import { askModel } from "./ask.ts";
import { type Endpoint, endpointInVault } from "./endpoint.ts";

/** After a failure the community's own words do for so long; milliseconds. */
const retryAfter = 60_000;
const titlesRead = 50;

/** What they gave, and whether any of them failed. */
export interface Written {
  ideas: Idea[];
  failure?: unknown;
}

/** `fromEnvironment`: the endpoint, where the environment names one; else the Vault may. `now`: milliseconds of any clock. */
export function openModelIdeas(fromEnvironment: Endpoint | undefined, now: () => number = () => performance.now()) {
  const written = new WeakMap<IdeaPool, Map<string | null, { ideas: Promise<Idea[]>; until: number }>>();
  const endpoints = new WeakMap<IdeaPool, Promise<Endpoint | undefined>>();
  return {
    /** Ideas on some topics; undefined: there is no endpoint. Does not throw. */
    async on(topics: (IdeaTopic | null)[], pool: IdeaPool, database: Pool): Promise<Written | undefined> {
      try {
        const endpoint = await endpointFor(pool, database);
        if (!endpoint) return undefined;
        const all = await Promise.allSettled(topics.map((topic) => onTopic(endpoint, topic, pool)));
        const failure = all.find((each) => each.status === "rejected")?.reason;
        const ideas = all.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
        return { ideas, ...(failure !== undefined && { failure }) };
      } catch (failure) {
        return { ideas: [], failure };
      }
    },
  };

  /** Looked up as often as the pool is made. */
  async function endpointFor(pool: IdeaPool, database: Pool): Promise<Endpoint | undefined> {
    if (fromEnvironment) return fromEnvironment;
    const known = endpoints.get(pool) ?? endpointInVault(database);
    endpoints.set(pool, known);
    known.catch(() => endpoints.delete(pool));
    return await known;
  }

  function onTopic(endpoint: Endpoint, topic: IdeaTopic | null, pool: IdeaPool): Promise<Idea[]> {
    const byTopic = written.get(pool) ?? new Map<string | null, { ideas: Promise<Idea[]>; until: number }>();
    written.set(pool, byTopic);
    const id = topic?.id ?? null;
    const known = byTopic.get(id);
    if (known && now() < known.until) return known.ideas;
    const asked = { ideas: ask(endpoint, topic, pool), until: Number.POSITIVE_INFINITY };
    byTopic.set(id, asked);
    asked.ideas.catch(() => {
      asked.until = now() + retryAfter;
    });
    return asked.ideas;
  }
}
export type ModelIdeas = ReturnType<typeof openModelIdeas>;

async function ask(endpoint: Endpoint, topic: IdeaTopic | null, pool: IdeaPool): Promise<Idea[]> {
  const subject = {
    label: topic?.label ?? null,
    terms: topic?.terms ?? [],
    titles: pool.titlesOf(topic?.id ?? null).slice(0, titlesRead),
  };
  return await pool.ideaOf(await askModel(endpoint, subject, pool.isKnownName), "model");
}
