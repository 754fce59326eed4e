/**
 * `POST /ideas {limit?}`: up to ten posts that the caller might write, with titles of the community's language and the operator's
 * language model. Our forecast ranks them. Titles are made as an unknown member reads, and only the caller's own rows as the caller.
 */

import type { Pool } from "../_shared/database/database.ts";
import { readAs } from "../_shared/database/run-as-caller.ts";
import { parseVector } from "../_shared/database/vectors.ts";
import type { BackgroundTask } from "../_shared/http/background-queue.ts";
import type { UserFunction } from "../_shared/http/edge-function.ts";
import type { Log } from "../_shared/http/log.ts";
import { parseJson, requestOf } from "../_shared/http/request.ts";
import type { IdeaPool } from "../_shared/ideas/idea-pool.ts";
import { type IdeaPools, type Making, openIdeaPools } from "../_shared/ideas/idea-pools.ts";
import type { Endpoint } from "../_shared/ideas/model-writer/endpoint.ts";
import { openModelIdeas } from "../_shared/ideas/model-writer/model-ideas.ts";
import { type IdeaAuthor, mentionsMuted, type PickedIdea, pickIdeas, topicsFor } from "../_shared/ideas/pick-ideas.ts";
import type { InferenceSession } from "../_shared/models/inference.ts";
import type { ModelCache } from "../_shared/models/models.ts";
import { type IdeasAnswer, type IdeasRequest, ideasRequest, notesOf } from "./api.ts";
import { postNamer } from "./name-posts.ts";
import { readAuthor } from "./read-author.ts";

export interface IdeasOptions {
  /** The language model that the environment names; without it the Vault may name one. */
  endpoint?: Endpoint | undefined;
  pools?: IdeaPools;
}

/** What an answer takes. */
export interface IdeasServices {
  pool: Pool;
  models: ModelCache;
  log: Log;
}

/** The function, with what its worker keeps. */
export function openIdeas({
  endpoint,
  pools = openIdeaPools(),
}: IdeasOptions = {}): UserFunction<IdeasRequest, IdeasServices> {
  const modelIdeas = openModelIdeas(endpoint);
  return {
    name: "ideas",
    callers: "users",
    maximumBodyBytes: 1024,
    read: { POST: (body) => requestOf(ideasRequest, parseJson(body)) },
    async answer({ limit }, { claims, afterAnswer }, { pool: database, models, log }): Promise<IdeasAnswer> {
      const row = await readAuthor(database, claims);
      const { model_id, model_name } = row;
      const tower = async (): Promise<InferenceSession | null> => {
        if (model_id === null) return null;
        const active = {
          id: model_id,
          name: model_name ?? "",
          featureSpecDigest: row.feature_spec_digest ?? "",
        };
        const statement = { text: "select", values: [] };
        return await readAs(database, claims, statement, async (connection) => {
          return (await models(active, connection, ["post_tower"])).graphs.post_tower;
        });
      };
      const pool = await pools.of(database, model_id, tower, (make) => afterAnswer(makingLater, make));
      const author: IdeaAuthor = {
        people: row.people,
        vector: row.embedding === null ? null : parseVector(row.embedding),
        muted: row.muted,
        mutedParts: row.muted_parts,
        titles: row.titles,
      };
      const written = await modelIdeas.on(
        topicsFor(author, pool),
        () => pools.maker(database, model_id, tower),
        database,
      );
      if (written && "failure" in written) log("idea_writer_failed", written.failure);
      const items = pickIdeas(pool, [...pool.ideas, ...(written?.ideas ?? [])], author, limit);
      const shown = [...pool.needs.flatMap(({ posts }) => posts), ...items.flatMap(({ idea }) => idea.from)];
      const nameOf = await postNamer(database, claims, pool, shown);
      return {
        model: model_id === null ? null : { id: model_id, name: model_name ?? "" },
        needs: pool.needs
          .map((need) => ({ ...need, posts: nameOf(need.posts) }))
          .filter(({ topic, posts }) => posts.length > 0 && !mentionsMuted(topic?.label ?? "", author)),
        items: items.map((picked) => ({ ...itemOf(picked, pool), inspired_by: nameOf(picked.idea.from) })),
        notes: notesOf({
          too_few_posts: items.length < limit,
          no_profile: !row.is_known,
          no_vector: row.is_known && !row.is_impersonal && model_id !== null && author.vector === null,
          no_personalisation: row.is_impersonal,
          no_topics: model_id !== null && pool.topics.length === 0,
          no_model: model_id === null,
          writer_failed: written !== undefined && "failure" in written,
        }),
      };
    },
  };
}

/** As it is where no environment names a language model. */
export const ideasFunction = openIdeas();

const makingLater: BackgroundTask<Making> = {
  code: "ideas_not_made",
  async do([make]) {
    await make();
  },
};

function itemOf(
  { idea, audience, fit }: PickedIdea,
  pool: IdeaPool,
): Omit<IdeasAnswer["items"][number], "inspired_by"> {
  const { title, points, tags, topic, shares, writer } = idea;
  const lately = topic ? (pool.lately[topic.id] ?? { posts: 0, unanswered: 0 }) : null;
  return {
    title,
    points,
    tags,
    topic: topic && { id: topic.id, label: topic.label },
    why: topic &&
      lately && {
        people_interested: topic.people,
        posts_lately: lately.posts,
        unanswered: lately.unanswered,
      },
    predicted: {
      audience: Math.round(audience),
      views: Math.round(audience * shares.views),
      votes: Math.round(audience * shares.votes),
      comments: Math.round(audience * shares.comments),
    },
    fit: fit === null ? null : Math.round(fit * 1000) / 1000,
    writer,
  };
}
