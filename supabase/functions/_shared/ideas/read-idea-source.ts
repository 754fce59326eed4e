/** What ideas are made from: the community's posts as any member may read them, and what came of them. */
import { sql } from "kysely";
import { call, type FunctionRow, type Pool, type Statement } from "../database/database.ts";
import { anyOf, db } from "../database/query.ts";
import { type Identity, queryAsService, readAs } from "../database/run-as-caller.ts";
import { parseVector } from "../database/vectors.ts";
import type { Components } from "../features/vector-match.ts";
import { audienceWindow } from "./forecast/written-post.ts";

/** Of more posts than these the latest are read: it is a year or two of a large community, and a second of a worker's time. */
const postsAtMost = 25_000;

/** Whose people are counted by one statement: 0.1 s of a quiet database, and so far from the time limit of a busy one. */
const postsAtOnce = 5_000;

/** A signed-in member of whom nothing is known: what they may not read, only some may. */
export const anyMember = {
  role: "authenticated",
  sub: "00000000-0000-4000-8000-000000000000",
  preview: true,
} satisfies Identity;

export interface IdeaPost {
  id: string;
  title: string;
  /** The beginning of its description. */
  text: string;
  tags: string[];
  author: string | null;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** Distinct people other than the author in its first week, and how many of them did what. */
  people: number;
  viewers: number;
  voters: number;
  commenters: number;
  topicId: number | null;
  /** Whether its first week is over. */
  isSettled: boolean;
  /** Whether a newcomer wrote it whom no known person met, where newcomers are few (recsys_engine.posts_of_newcomers). */
  isOfNewcomer: boolean;
  /** What the model that serves reads of the post's own vector, [64]; null: nothing. */
  components: Components;
}

export interface IdeaTopic {
  id: number;
  label: string;
  terms: string[];
  /** People a day who come to its posts, and posts written a day, in the last 28 days. */
  demand: number;
  supply: number;
  /** About how many came in those days, as users are told it; null: too few to say. */
  people: number | null;
  centroid: number[];
}

export interface IdeaSource {
  /** The engine's clock, milliseconds since 1970. */
  now: number;
  /** In order of time. */
  posts: IdeaPost[];
  topics: IdeaTopic[];
}

/** `modelId`: of the model that serves; null: none does. */
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

/** How many people came to some posts in their first week; to be asked as the service. */
export function readAudiences(postIds: string[]): Statement<AudienceColumns> {
  return call("recsys_engine.post_audiences", { p_post_ids: postIds });
}

/** Of the posts' own vectors what a model reads; none where it reads no vectors. */
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
