/** What a run ranks from: the community as it was at the run's instant, read once and held in memory. */
import { sql } from "kysely";
import type { Database } from "../../db/connect.ts";
import { rows } from "../../db/cursor.ts";
import type { OnProgress } from "../../db/progress.ts";
import { reading } from "../../db/reading.ts";
import { readFeedSettings } from "../../db/settings.ts";
import { UserError } from "../../db/user-error.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db, fn, instantOf, milliseconds } from "../../supabase/functions/_shared/database/query.ts";
import { parseVector } from "../../supabase/functions/_shared/database/vectors.ts";
import { basisOfModel } from "../../supabase/functions/_shared/embed/read-jobs.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { weightsOf } from "../../supabase/functions/_shared/features/kinds.ts";
import { type PostRow, postRow, type RowOf } from "../../supabase/functions/_shared/features/ranker-features.ts";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { modelCache, type ServingModel } from "../../supabase/functions/_shared/models/models.ts";
import { groupOf } from "../../supabase/functions/_shared/recommend/hydration/groups.ts";
import { type FeedSettings, headWeights } from "../../supabase/functions/_shared/recommend/request/feed-settings.ts";
import { sharingTitles } from "../../supabase/functions/_shared/recommend/selection/duplicates.ts";
import type { SelectionSettings, Standing } from "../../supabase/functions/_shared/recommend/selection/selectable.ts";
import { type VectorsOf, withVectors } from "../data/app-embeddings/read-vectors.ts";
import type { Community, Posts } from "../data/replay/community.ts";
import { communityFromDatabase, trainingEvents } from "../data/replay/from-database.ts";
import type { Neighbours } from "../data/replay/neighbours.ts";
import type { NumberedCandidate, RetrievalOptions } from "../data/replay/retrieval-options.ts";
import { CommunityState } from "../data/replay/state.ts";
import { readNeighbours } from "../models/neighbours/stored-neighbours.ts";
import { Histories } from "../models/towers/histories.ts";
import { MutedPosts } from "./mutes.ts";
import { type NearestPosts, nearestPosts } from "./nearest-posts.ts";
import type { BatchRun } from "./pages.ts";
import { maskedTitles, visiblePosts } from "./visibility.ts";

export interface Snapshot {
  run: BatchRun;
  community: Community;
  /** At the run's instant. */
  state: CommunityState;
  histories: Histories;
  /** The number of each user and post. */
  userNumbers: Map<string, number>;
  postNumbers: Map<string, number>;
  /** [posts, 32]; zeros where a post has no vector. */
  postVectors: Float32Array;
  /** [posts] 1: it has a vector. */
  hasVector: Uint8Array;
  /** [posts] 1: not everybody may read it. */
  hidden: Uint8Array;
  /** Their ids. */
  hiddenIds: string[];
  /** Ids of posts that share their title with others and whose title is masked for some. */
  maskedIds: string[];
  nearest: NearestPosts;
  /** Those of the model; undefined: it has none. */
  neighbours: Neighbours | undefined;
  muted: MutedPosts;
  /** Who is in a closed circle. */
  circle: Set<string>;
  /** `standing` by post of authors who are not proven; left out: proven. */
  standings: Map<string, Standing>;
  /** The post row of each post that was a candidate so far: the same for every user of the run. */
  rowOf: RowOf;
  model: ServingModel<"user_tower" | "dlrm">;
  /** Of the model's heads. */
  weights: number[];
  selection: SelectionSettings;
  /** By id; empty: a page may be of one topic, or group. */
  topics: Map<string, number>;
  groups: Map<string, string | null>;
  /** By id. */
  conversations: Map<string, string | null>;
  /** When posts were edited, by id. */
  edits: Map<string, number>;
  /** Posts of small groups, as far as the settings ask for some. */
  floor: NonNullable<RetrievalOptions["floor"]>;
}

/** Reads everything that all users of a run share. Throws AppError where the model cannot serve. */
export async function readSnapshot(database: Database, run: BatchRun, onProgress: OnProgress): Promise<Snapshot> {
  const model = await readModel(database, run);
  const { timeline, ...read } = await communityFromDatabase(database, onProgress, trainingEvents);
  const community = await withVectors(database, read.community, await readVectorsOf(database, run));
  const { users, posts } = community;
  const postNumbers = new Map(posts.ids.map((id, post) => [id, post]));
  const { postVectors, hasVector } = await readVectors(database, run, postNumbers);
  const hidden = new Uint8Array(posts.ids.length).fill(1);
  for (const id of await visiblePosts(database)) {
    const post = postNumbers.get(id);
    if (post !== undefined) hidden[post] = 0;
  }
  const selection = { ...(await readFeedSettings(database)), newcomer_share: await readNewcomerShare(database) };
  const state = new CommunityState(community, timeline);
  // a worker that comes later reads more than the run is about
  let events = timeline.length;
  while (events > timeline.wholeFrom && timeline.at[events - 1] > run.asOf) events--;
  state.advance(events, run.asOf);
  const searched = Uint8Array.from(hasVector, (has, post) =>
    has && !hidden[post] && post < state.alive && state.isIndexed(post, run.asOf) ? 1 : 0,
  );
  return {
    run,
    community,
    state,
    histories: new Histories(community, justAfter(run)),
    userNumbers: new Map(users.ids.map((id, user) => [id, user])),
    postNumbers,
    postVectors,
    hasVector,
    hidden,
    hiddenIds: posts.ids.filter((_, post) => hidden[post] === 1),
    maskedIds: await maskedTitles(database, idsSharingTitles(posts)),
    nearest: await nearestPosts(postVectors, searched, posts),
    neighbours: await readNeighbours(database.pool, run.modelId, community),
    muted: new MutedPosts(community),
    circle: await readCircle(database),
    standings: await readStandings(database, run),
    rowOf: rememberedRows(),
    model,
    weights: weightsOf(model.heads, headWeights(selection)),
    selection,
    ...(await readShares(database, selection)),
    conversations: await readConversations(database),
    edits: await readEdits(database),
    floor: await readFloor(database, run, selection, postNumbers),
  };
}

/** The next instant that PostgreSQL knows: what happened at the run's instant itself is history, too. */
export function justAfter({ asOf }: BatchRun): number {
  return asOf + 0.001;
}

function rememberedRows(): RowOf {
  const rows: PostRow[] = [];
  return (candidate, now) => {
    const { post } = candidate as NumberedCandidate;
    rows[post] ??= postRow(candidate, now);
    return rows[post];
  };
}

async function readModel({ pool }: Database, { modelId, modelName }: BatchRun): Promise<Snapshot["model"]> {
  const query = db.selectFrom("recsys.models").select("feature_spec_digest").where("model_id", "=", modelId);
  const [found] = await run(pool, query);
  if (!found) throw new UserError(`model ${modelName} is gone: start again, with the model that serves now`);
  const client = await pool.connect();
  try {
    const active = { id: modelId, name: modelName, featureSpecDigest: found.feature_spec_digest };
    return await modelCache(loadRuntime)(active, client, ["user_tower", "dlrm"]);
  } finally {
    client.release();
  }
}

function idsSharingTitles({ ids, titles }: Posts): string[] {
  return sharingTitles(
    ids.map((id, post) => ({ id, title: titles[post] })),
    [],
  ).map(({ id }) => id);
}

/** The kind of post vectors that the model's ranker reads; users' vectors come with each page. */
async function readVectorsOf({ pool }: Database, { modelId }: BatchRun): Promise<VectorsOf> {
  const query = db.selectFrom("recsys.models").select(basisOfModel.as("basis")).where("model_id", "=", modelId);
  const [found] = await run(pool, query);
  return found?.basis ? { basis: found.basis } : null;
}

async function readCircle({ pool }: Database): Promise<Set<string>> {
  const members = await run(pool, db.selectFrom("recsys_engine.circle_members").select("user_id"));
  return new Set(members.map(({ user_id }) => user_id));
}

async function readNewcomerShare({ pool }: Database): Promise<number> {
  const [{ share }] = await run(
    pool,
    db.selectNoFrom(fn("recsys_engine.newcomer_share", {}).$castTo<number>().as("share")),
  );
  return share;
}

/** Reads `standing` of posts by unproven authors. */
async function readStandings({ pool }: Database, { asOf }: BatchRun): Promise<Map<string, Standing>> {
  const query = db
    .selectFrom("recsys.source_posts as posts")
    .innerJoin("recsys.source_users as users", "users.user_id", "posts.author_id")
    .leftJoin("recsys_engine.author_readers as readers", "readers.user_id", "posts.author_id")
    .select(({ ref }) => {
      const p_is_newcomers = fn("recsys_engine.is_newcomers_post", {
        p_signed_up: ref("users.created_at"),
        p_written_at: ref("posts.created_at"),
        p_at: instantOf(asOf),
      });
      const p_readers = sql<number | null>`cardinality(${ref("readers.user_ids")})`;
      return [
        "posts.post_id",
        fn("recsys_engine.standing", { p_readers, p_is_newcomers }).$castTo<Standing>().as("standing"),
      ];
    })
    .where(({ eb, ref }) => eb(sql`cardinality(${ref("readers.user_ids")})`, "is distinct from", 3));
  const rows = await run(pool, query);
  return new Map(rows.map(({ post_id, standing }) => [post_id, standing]));
}

/** Topics and groups of all posts, as far as the settings say that a page has no more than a share of one. */
async function readShares({ pool }: Database, { topic_share, group_share, group_by }: FeedSettings) {
  const topics = db.selectFrom("recsys_engine.post_topics").select(["post_id", "topic_id"]);
  const groups = db.selectFrom("recsys.source_posts").select(["post_id", groupOf(group_by).as("name")]);
  const ofTopics = topic_share < 1 ? await run(pool, topics) : [];
  const ofGroups = group_share < 1 ? await run(pool, groups) : [];
  return {
    topics: new Map(ofTopics.map(({ post_id, topic_id }) => [post_id, topic_id])),
    groups: new Map(ofGroups.map(({ post_id, name }) => [post_id, name])),
  };
}

async function readConversations({ pool }: Database): Promise<Snapshot["conversations"]> {
  const found = await run(pool, db.selectFrom("recsys.source_conversations").select(["post_id", "conversation"]));
  return new Map(found.map(({ post_id, conversation }) => [post_id, conversation]));
}

async function readEdits({ pool }: Database): Promise<Snapshot["edits"]> {
  const edits = db.selectFrom("recsys_engine.edited_posts");
  const found = await run(
    pool,
    edits.select(({ ref }) => ["post_id", milliseconds(ref("edited_at")).as("edited_at")]),
  );
  return new Map(found.map(({ post_id, edited_at }) => [post_id, edited_at]));
}

async function readFloor(
  { pool }: Database,
  { asOf }: BatchRun,
  { group_floor: most, group_by }: FeedSettings,
  numbers: Map<string, number>,
): Promise<Snapshot["floor"]> {
  if (most === 0) return { posts: [], most };
  const asked = fn("recsys_engine.small_group_posts", { p_group_by: group_by, p_now: instantOf(asOf) }).$castTo<
    string[]
  >();
  const [{ ids }] = await run(pool, db.selectNoFrom(asked.as("ids")));
  return { posts: ids.flatMap((id) => numbers.get(id) ?? []), most };
}

async function readVectors(database: Database, { modelId }: BatchRun, numbers: Map<string, number>) {
  const postVectors = new Float32Array(numbers.size * dimensions);
  const hasVector = new Uint8Array(numbers.size);
  await reading(database, async (client) => {
    const query = db
      .selectFrom("recsys.post_embeddings")
      .select(["post_id", "embedding"])
      .where("model_id", "=", modelId);
    for await (const { post_id, embedding } of rows(client, query)) {
      const post = numbers.get(post_id);
      if (post === undefined) continue;
      postVectors.set(parseVector(embedding), post * dimensions);
      hasVector[post] = 1;
    }
  });
  return { postVectors, hasVector };
}
