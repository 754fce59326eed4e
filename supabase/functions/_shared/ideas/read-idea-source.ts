/** Reads the input of ideas: the posts that any member may read, with their audiences. */
import { sql } from "kysely";
import { call, type FunctionRow, type Pool, type Statement } from "../database/database.ts";
import { anyOf, db } from "../database/query.ts";
import { type Identity, queryAsService, readAs } from "../database/run-as-caller.ts";
import { parseVector } from "../database/vectors.ts";
import type { Components } from "../features/vector-match.ts";
import { audienceWindow } from "./forecast/written-post.ts";

/** Maximum number of posts, latest first: one or two years of a large community, read in about a second. */
const postsAtMost = 25_000;

/** Number of posts per statement, so that it stays far below the statement timeout. */
const postsAtOnce = 5_000;

/** A signed-in member without an account: posts that they cannot read are not public to all members. */
export const anyMember = {
  role: "authenticated",
  sub: "00000000-0000-4000-8000-000000000000",
  preview: true,
} satisfies Identity;

export interface IdeaPost {
  id: string;
  title: string;
  /** Start of its description. */
  text: string;
  tags: string[];
  author: string | null;
  /** Milliseconds since 1970. */
  createdAt: number;
  /**
   * Distinct users other than the author who interacted in its first week, and how many viewed, voted and commented.
   */
  people: number;
  viewers: number;
  voters: number;
  commenters: number;
  topicId: number | null;
  /** Whether its first week is over. */
  isSettled: boolean;
  /** Whether its author is a newcomer on probation (recsys_engine.posts_of_newcomers). */
  isOfNewcomer: boolean;
  /** Components [64] of the post's own vector, if the serving model reads them; null otherwise. */
  components: Components;
}

export interface IdeaTopic {
  id: number;
  label: string;
  terms: string[];
  /** People per day who interact with its posts, and posts per day, in the last 28 days. */
  demand: number;
  supply: number;
  /** Number of people who interacted in these days, rounded for display; null if too few. */
  people: number | null;
  centroid: number[];
}

export interface IdeaSource {
  /** Time of the engine's clock, in milliseconds since 1970. */
  now: number;
  /** In chronological order. */
  posts: IdeaPost[];
  topics: IdeaTopic[];
}

/** `modelId`: the serving model, or null if none is active. */
export async function readIdeaSource(pool: Pool, modelId: number | null): Promise<IdeaSource> {
  const latest: Statement<PostColumns> = call("recsys_engine.idea_posts", { p_limit: postsAtMost });
  return await readAs(pool, anyMember, latest, async (connection, [posts]) => {
    const audiences: AudienceColumns = {
      people: [],
      viewers: [],
      voters: [],
      commenters: [],
      topic_ids: [],
      of_newcomers: [],
    };
    const componentsOf = new Map<string, Float32Array>();
    for (let start = 0; start < posts.post_ids.length; start += postsAtOnce) {
      const some = posts.post_ids.slice(start, start + postsAtOnce);
      const [counted] = await queryAsService(connection, anyMember.role, readAudiences(some));
      for (const column of Object.keys(audiences) as (keyof AudienceColumns)[])
        (audiences[column] as unknown[]).push(...counted[column]);
      if (modelId === null) continue;
      for (const { id, components } of await queryAsService(connection, anyMember.role, readComponents(modelId, some)))
        componentsOf.set(id, Float32Array.from(parseVector(components)));
    }
    const found = call("recsys_engine.idea_topics", {}) as Statement<TopicRow>;
    const topics = await queryAsService(connection, anyMember.role, found);
    const now = posts.now.getTime();
    return {
      now,
      posts: posts.titles.map((title, i) => ({
        id: posts.post_ids[i],
        title,
        text: posts.texts[i],
        tags: posts.tags[i],
        author: posts.author_ids[i],
        createdAt: posts.created_at[i],
        people: audiences.people[i],
        viewers: audiences.viewers[i],
        voters: audiences.voters[i],
        commenters: audiences.commenters[i],
        topicId: audiences.topic_ids[i],
        isSettled: posts.created_at[i] + audienceWindow <= now,
        isOfNewcomer: audiences.of_newcomers[i],
        components: componentsOf.get(posts.post_ids[i]) ?? null,
      })),
      topics: topics.map(({ topic_id, centroid, ...topic }) => ({
        ...topic,
        id: topic_id,
        centroid: JSON.parse(centroid),
      })),
    };
  });
}

type TopicRow = FunctionRow<"recsys_engine.idea_topics"> & Pick<IdeaTopic, "people">;

interface PostColumns {
  now: Date;
  post_ids: string[];
  author_ids: (string | null)[];
  titles: string[];
  texts: string[];
  created_at: number[];
  tags: string[][];
}

export interface AudienceColumns {
  people: number[];
  viewers: number[];
  voters: number[];
  commenters: number[];
  topic_ids: (number | null)[];
  of_newcomers: boolean[];
}

/** Audiences of posts in their first week; needs the service role. */
export function readAudiences(postIds: string[]): Statement<AudienceColumns> {
  return call("recsys_engine.post_audiences", { p_post_ids: postIds });
}

/** Components of the posts' own vectors for a model; no rows if it reads none. */
function readComponents(modelId: number, postIds: string[]) {
  return db
    .selectFrom("recsys_engine.reduced_vectors as reduced")
    .innerJoin("recsys.models as models", (join) =>
      join.on("reduced.basis_id", "=", sql<string>`models.feature_spec #>> '{vectors,basis}'`),
    )
    .select(["reduced.post_id as id", "reduced.components"])
    .where("models.model_id", "=", modelId)
    .where("reduced.post_id", "=", anyOf(postIds));
}
