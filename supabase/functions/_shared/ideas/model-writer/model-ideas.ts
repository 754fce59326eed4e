/** The ideas of a language model, asked once an hour for each topic, whoever wants to know: nothing of an author is in what is sent. */
import type { Pool } from "../../database/database.ts";
import type { Idea } from "../idea.ts";
import type { IdeaMaker } from "../idea-pool.ts";
import type { IdeaTopic } from "../read-idea-source.ts";
import { askModel } from "./ask-model.ts";
import { type Endpoint, endpointInVault } from "./endpoint.ts";

/** After a failure the community's own words do for so long; milliseconds. */
const retryAfter = 60_000;
/** What the Vault says holds for so long. */
const vaultEvery = 600_000;
const titlesRead = 50;

/** What they gave, and whether any of them failed. */
export interface WrittenIdeas {
  ideas: Idea[];
  failure?: unknown;
}

/** `fromEnvironment`: the endpoint, where the environment names one; else the Vault may. `now`: milliseconds of any clock. */
export function openModelIdeas(fromEnvironment: Endpoint | undefined, now: () => number = () => performance.now()) {
  const written = new WeakMap<IdeaMaker, Map<number | null, { ideas: Promise<Idea[]>; until: number }>>();
  let inVault: { endpoint: Promise<Endpoint | undefined>; until: number } | undefined;
  return {
    /** Ideas on some topics; undefined: there is no endpoint, and `makerOf` is not asked. Does not throw. */
    async on(
      topics: (IdeaTopic | null)[],
      makerOf: () => Promise<IdeaMaker>,
      database: Pool,
    ): Promise<WrittenIdeas | undefined> {
      try {
        const endpoint = fromEnvironment ?? (await endpointFor(database));
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

  async function endpointFor(database: Pool): Promise<Endpoint | undefined> {
    if (!inVault || now() >= inVault.until) {
      const asked = { endpoint: endpointInVault(database), until: now() + vaultEvery };
      asked.endpoint.catch(() => {
        asked.until = 0;
      });
      inVault = asked;
    }
    return await inVault.endpoint;
  }

  function onTopic(endpoint: Endpoint, topic: IdeaTopic | null, maker: IdeaMaker): Promise<Idea[]> {
    const byTopic = written.get(maker) ?? new Map<number | null, { ideas: Promise<Idea[]>; until: number }>();
    written.set(maker, byTopic);
    const id = topic?.id ?? null;
    const known = byTopic.get(id);
    if (known && now() < known.until) return known.ideas;
    const asked = { ideas: ask(endpoint, topic, maker), until: Number.POSITIVE_INFINITY };
    byTopic.set(id, asked);
    asked.ideas.catch(() => {
      asked.until = now() + retryAfter;
    });
    return asked.ideas;
  }
}
export type ModelIdeas = ReturnType<typeof openModelIdeas>;

async function ask(endpoint: Endpoint, topic: IdeaTopic | null, maker: IdeaMaker): Promise<Idea[]> {
  const subject = {
    label: topic?.label ?? null,
    terms: topic?.terms ?? [],
    titles: maker.titlesOf(topic?.id ?? null).slice(0, titlesRead),
  };
  return await maker.ideaOf(await askModel(endpoint, subject, maker.isKnownName), "model");
}
