/**
 * What the engine knows of posts, kept in the worker: nine of ten candidates of a feed are those of the feed before, and reading their
 * states and vectors takes as long as finding them. Whether a caller may see a post is never kept: recsys.retrieve decides it anew.
 */
import { type Connection, run, type Statement } from "../database/database.ts";
import type { Kind } from "../features/kinds.ts";
import { unpackVectors } from "./vectors.ts";

/** The state of a post, as in `Candidate`; null where nobody came yet. */
export interface PostState {
  /** [32]; null: none yet. */
  embedding: Float32Array | null;
  last_active_at: number | null;
  kind: Kind | null;
  views: number | null;
  votes: number | null;
  comments: number | null;
  participants: number | null;
  last_comment_at: number | null;
  by_author: boolean | null;
  recent: number[] | null;
  /** Its tags as they were last read: words are looked up by this array, which took 2 ms a feed by their letters. */
  tags?: string[];
}

/** The model was replaced and dropped after the request had begun: its vectors are gone. */
export class ModelGone extends Error {}

/** Which states these are: those of a model's vectors, as of an instant, after so many roll-ups. */
export interface StateVersion {
  /** null: no model, no vectors. */
  modelId: string | null;
  /** recsys.feature_store_version. */
  featureStore: string;
  /** In milliseconds; null: recsys.clock(). */
  instant: number | null;
}

/** A post takes about half a kilobyte. */
const postsAtMost = 20_000;
/** Roll-ups end what is kept; a vector that was made anew in between is used this much later, in milliseconds. */
const keptFor = 10_000;

/** The states that one worker keeps. `now`: milliseconds of any clock. */
export function openPostStates(now = () => performance.now()) {
  let version = "";
  let since = Number.NEGATIVE_INFINITY;
  let kept = new Map<string, PostState>();

  return {
    /** The states of posts in their order. Throws ModelGone. */
    async of(connection: Connection, wanted: StateVersion, postIds: string[]): Promise<PostState[]> {
      const named = JSON.stringify(wanted);
      if (named !== version || now() - since > keptFor || kept.size > postsAtMost) {
        kept = new Map();
        version = named;
        since = now();
      }
      // another request may begin anew while this one reads
      const mine = kept;
      const missing = postIds.filter((id) => !mine.has(id));
      const read = new Map<string, PostState>();
      if (missing.length > 0)
        for (const [i, state] of (await readStates(connection, wanted, missing)).entries()) {
          read.set(missing[i], state);
          // one without a vector gets it within seconds
          if (state.embedding !== null || wanted.modelId === null) mine.set(missing[i], state);
        }
      return postIds.map((id) => (read.get(id) ?? mine.get(id)) as PostState);
    },
  };
}
export type PostStates = ReturnType<typeof openPostStates>;

/** The columns of recsys.post_states, packed: rows took the driver 4 ms for 500 posts, and the database 1 ms more. */
type Columns = { [Name in keyof Omit<PostState, "embedding" | "tags">]: PostState[Name][] } & {
  model_gone: boolean;
  has_embedding: boolean[];
  /** Those that there are, one after the other. */
  embeddings: Uint8Array | null;
};

async function readStates(connection: Connection, wanted: StateVersion, postIds: string[]): Promise<PostState[]> {
  const [columns] = await run(connection, statesStatement(wanted, postIds));
  if (columns.model_gone) throw new ModelGone();
  const vectors = unpackVectors(columns.embeddings).values();
  return columns.has_embedding.map((has, i) => ({
    embedding: has ? (vectors.next().value ?? null) : null,
    last_active_at: columns.last_active_at[i],
    kind: columns.kind[i],
    views: columns.views[i],
    votes: columns.votes[i],
    comments: columns.comments[i],
    participants: columns.participants[i],
    last_comment_at: columns.last_comment_at[i],
    by_author: columns.by_author[i],
    recent: columns.recent[i],
  }));
}

function statesStatement({ modelId, instant }: StateVersion, postIds: string[]): Statement<Columns> {
  return {
    text: `select
        to_regclass('recsys.post_embeddings_' || $1) is null and $1 is not null as model_gone,
        json_agg(states.embedding is not null order by asked.place) as has_embedding,
        string_agg(extensions.vector_send(states.embedding), ''::bytea order by asked.place) as embeddings,
        json_agg(1000 * date_part('epoch', states.last_active_at) order by asked.place) as last_active_at,
        json_agg(states.kind order by asked.place) as kind,
        json_agg(states.views order by asked.place) as views,
        json_agg(states.votes order by asked.place) as votes,
        json_agg(states.comments order by asked.place) as comments,
        json_agg(states.participants order by asked.place) as participants,
        json_agg(1000 * date_part('epoch', states.last_comment_at) order by asked.place) as last_comment_at,
        json_agg(states.by_author order by asked.place) as by_author,
        json_agg(states.recent order by asked.place) as recent
      from unnest($2::uuid[]) with ordinality as asked (post_id, place)
      join recsys.post_states($1::bigint, $2::uuid[], coalesce(to_timestamp($3::double precision / 1000), recsys.clock())) as states on states.post_id = asked.post_id`,
    values: [modelId, postIds, instant],
  };
}
