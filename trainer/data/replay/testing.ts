/** For tests: holds what SQL answers of an instant against what the replayed state answers, down to the ranker's features. */

import assert from "node:assert/strict";
import type { Database } from "../../../db/connect.ts";
import { featureSpecDigest } from "../../../supabase/functions/_shared/features/feature-spec.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { rankerFeatures } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { sourceNames } from "../../../supabase/functions/_shared/features/retrieval.ts";
import type { ContextRow } from "../../../supabase/functions/_shared/recommend/context/read-context.ts";
import { type PostCandidate, userState } from "../../../supabase/functions/_shared/recommend/context/user-state.ts";
import { emptyServedState } from "../../../supabase/functions/_shared/recommend/request/cursor.ts";
import { retrieve } from "../../../supabase/functions/_shared/recommend/sources/retrieve.ts";
import { userInput } from "../../../supabase/functions/_shared/towers/user-input.ts";
import { writeNeighbours } from "../../models/neighbours/stored-neighbours.ts";
import type { Random } from "../../models/nn/random.ts";
import { vectorAt } from "../../models/nn/vector-at.ts";
import { Histories } from "../../models/towers/histories.ts";
import { meanVectorOf } from "../../models/towers/model.ts";
import type { LoadedCommunity } from "./from-database.ts";
import { type IdNeighbours, type Neighbours, numberedNeighbours } from "./neighbours.ts";
import type { NumberedCandidate } from "./retrieval-options.ts";
import { CommunityState } from "./state.ts";

/** A community at one of its instants, in memory and in the database. */
export interface Instant {
  database: Pick<Database, "pool">;
  loaded: LoadedCommunity;
  /** [posts, 32] */
  postVectors: Float32Array;
  /** Milliseconds since 1970. */
  now: number;
  state: CommunityState;
  /** A model with the vectors of the posts that existed: those that a function could have found then. */
  modelId: number;
  neighbours: Neighbours | undefined;
}

/** The instant just after `events` of the timeline, so that the order of what happens at one instant does not matter. */
export async function instantAfter(
  database: Pick<Database, "pool">,
  loaded: LoadedCommunity,
  postVectors: Float32Array,
  events: number,
  neighbours: IdNeighbours = new Map(),
): Promise<Instant> {
  const { community, timeline } = loaded;
  const now = timeline.at[events - 1] + 0.5;
  assert.ok(events === timeline.length || timeline.at[events] > now);
  const state = new CommunityState(community, timeline);
  state.advance(events, now);
  const ids = community.posts.ids.slice(0, state.alive);
  const modelId = await publishVectors(database, ids, postVectors, { neighbours });
  const numbered = numberedNeighbours(neighbours, community);
  return { database, loaded, postVectors, now, state, modelId, neighbours: numbered };
}

/** Fails unless SQL and replay agree on the candidates of a user, their ranks and features; returns the replay's. */
export async function assertAgrees(instant: Instant, user: number, vector: Float32Array): Promise<NumberedCandidate[]> {
  const { loaded, postVectors, now, state, neighbours } = instant;
  const [context, candidates] = await fromSql(instant, loaded.community.users.ids[user], vector);
  assert.ok(context, "no such user");
  const replayed = state.candidates(user, now, vector, postVectors, { neighbours }).sort((a, b) => a.post - b.post);
  const asked = numbered(loaded, candidates);
  assert.deepEqual(
    asked.map(({ post }) => post),
    replayed.map(({ post }) => post),
  );
  for (const [i, candidate] of asked.entries())
    for (const source of sourceNames)
      assert.equal(candidate.ranks[source], replayed[i].ranks[source], `${source} rank of post ${candidate.post}`);
  const histories = new Histories(loaded.community, now);
  const history = histories.latest(user, now).map((post) => vectorAt(postVectors, post));
  const here = rankerFeatures(userState(context, userInput(context).history), asked, now);
  const there = rankerFeatures(state.user(user, history), replayed, now);
  assertClose(here.user, there.user, "user");
  assertClose(here.posts, there.posts, "posts");
  assertClose(here.pairs, there.pairs, "pairs");
  assert.deepEqual(here.categories, there.categories);
  const followed = meanVectorOf(histories.followed(user, now), postVectors) ?? new Float32Array(dimensions);
  assertClose(Float32Array.from(userInput(context).followed ?? new Float32Array(dimensions)), followed, "followed");
  const seen = Float32Array.from(userInput(context).history.flatMap((each) => Array.from(each)));
  assertClose(seen, Float32Array.from(history.flatMap((each) => [...each])), "history");
  return replayed;
}

/** What must move no post: authors view a quarter of theirs and comment on some, and people do again what they did to a few posts; at once, after a day and after a week. */
export async function addWhatCountsForNothing({ pool }: Pick<Database, "pool">): Promise<void> {
  const states = "select count(*)::integer as states from recsys_engine.post_stats";
  // two months later nothing of it is judged again: what was imported stays as it is
  const later = (days: number) =>
    pool.query("update recsys.settings set clock_shift = clock_shift - $1 * interval '1 day'", [days]);
  await later(60);
  const before = (await pool.query(states)).rows;
  for (const [table, seconds] of [
    ["post_views", 0],
    ["comments", 7],
  ]) {
    // never two events of one instant
    const late = `(select given + interval '${seconds} seconds' as late from unnest(array['1 minute', '1 day', '1 week']::interval[]) as given) as shifted`;
    const own = await pool.query(
      `with last as (select max(at) as at from recsys_engine.timeline)
       insert into public.${table} (user_id, post_id, created_at)
       select author_id, id, created_at + late from public.posts, last, ${late}
       where author_id is not null and md5(id::text) < '${table === "comments" ? 1 : 4}' and created_at + late < last.at on conflict do nothing`,
    );
    const again = await pool.query(
      `with last as (select max(at) as at from recsys_engine.timeline)
       insert into public.${table} (user_id, post_id, created_at)
       select user_id, post_id, created_at + late from public.${table}, last, ${late}
       where md5(post_id::text) > 'ff' and created_at + late < last.at
         -- what did not count leaves the next of its kind to count
         and not exists (select from recsys_engine.bursts where bursts.user_id = ${table}.user_id and bursts.day = recsys_engine.day_of(created_at) and since <= created_at)
       on conflict do nothing`,
    );
    for (const { rowCount } of [own, again])
      assert.ok(rowCount !== null && rowCount > 0, "there are authors and repeats");
  }
  await pool.query("select recsys.roll_up(null)");
  assert.deepEqual((await pool.query(states)).rows, before);
  await later(-60);
}

/**
 * Ten people who sign up two hours before each of these parts of the events and write a post an hour later, without
 * interactions.
 */
export async function addNewcomers({ pool }: Pick<Database, "pool">, parts: number[]): Promise<void> {
  await pool.query(
    `with instants as (
       select gen_random_uuid() as author_id, percentile.at
       from unnest($1::float8[]) as part
       cross join lateral (select percentile_disc(part) within group (order by timeline.at) as at from recsys_engine.timeline) as percentile
       cross join generate_series(1, 10)
     ),
     people as (insert into public.profiles (id, created_at) select author_id, at - interval '2 hours' from instants)
     insert into public.posts (author_id, title, created_at) select author_id, '', at - interval '1 hour' from instants`,
    [parts],
  );
  await pool.query("select recsys.roll_up(null)");
}

/** Whom and which topics people follow: of all pairs one in ten, since instants of the whole time of the community; every fifth since the beginning. */
export async function addFollows({ pool }: Pick<Database, "pool">): Promise<void> {
  await pool.query(
    `with span as (select min(at) as first, max(at) as last from recsys_engine.timeline)
     insert into public.follows (user_id, kind, target, created_at)
     select one.id, 'person', other.id::text,
       case when hash % 5 = 0 then timestamptz '1990-01-01Z' else first + (last - first) * (hash % 97) / 97 end
     from span, public.profiles as one
     join public.profiles as other on other.id <> one.id
     cross join lateral (select abs(hashtext(one.id::text || other.id::text)) as hash) as hashed
     where hash / 100 % 10 = 0`,
  );
  // of all topics every second, so that some follow more than are asked; some are written in two ways, or have no post
  await pool.query(
    `with span as (select min(at) as first, max(at) as last from recsys_engine.timeline),
     tags as (
       select distinct tag from public.posts, unnest(tags) as tag
       union select upper(tag) from public.posts, unnest(tags) as tag where md5(tag) < '4'
       union select 'nobody writes on it'
     )
     insert into public.follows (user_id, kind, target, created_at)
     select one.id, case when md5(tag) < '6' then 'group' else 'topic' end, tag,
       case when hash % 5 = 0 then timestamptz '1990-01-01Z' else first + (last - first) * (hash % 97) / 97 end
     from span, public.profiles as one
     cross join tags
     cross join lateral (select abs(hashtext(one.id::text || tag)) as hash) as hashed
     where hash / 100 % 2 = 0`,
  );
}

/** One post in 16, and all of one author in 16, are for followers alone. */
export async function addWithheld({ pool }: Pick<Database, "pool">): Promise<void> {
  await pool.query(
    `insert into public.withheld (author_id, post_id)
     select author_id, id from public.posts where author_id is not null and md5(id::text) < '1'
     union all
     select id, null from public.profiles where md5(id::text) < '1'`,
  );
}

/** One post in eight waits, as if its author had written many that day. */
export async function addWaiting({ pool }: Pick<Database, "pool">): Promise<void> {
  await pool.query("update recsys_engine.listed_posts set waits = true where md5(post_id::text) < '2'");
  await pool.query("select recsys_engine.index_tags(array_agg(post_id)) from recsys_engine.listed_posts where waits");
}

/**
 * Random vectors of about unit length, [count, 32]. Components are multiples of 1/2048, so inner products are exact in 32-bit floats: their order
 * is the same natively and in WebAssembly, which add in different orders.
 */
export function unitVectors(random: Random, count: number): Float32Array {
  const vectors = Float32Array.from({ length: count * dimensions }, () => random.normal());
  for (let row = 0; row < count; row++) {
    const vector = vectorAt(vectors, row);
    const length = Math.hypot(...vector);
    for (let d = 0; d < dimensions; d++) vector[d] = Math.round((vector[d] / length) * 2048) / 2048;
  }
  return vectors;
}

/** Neighbours of each of some posts, some of which speak as much as others. */
export function randomNeighbours(random: Random, ids: string[], most = 12): IdNeighbours {
  const few = (id: string) => ids.filter((other) => other !== id && random.below(ids.length) < most);
  return new Map(ids.map((id) => [id, few(id).map((other) => [other, 1 + random.below(3)])]));
}

/** A complete model with the vectors of some posts, and their neighbours; returns its id. */
export async function publishVectors(
  { pool }: Pick<Database, "pool">,
  ids: string[],
  vectors: Float32Array,
  { name = `${ids.length} posts`, neighbours = new Map() as IdNeighbours } = {},
): Promise<number> {
  const created = await pool.query("select recsys_engine.create_model($1, '{}', $2, '{}')::int as id", [
    name,
    await featureSpecDigest(),
  ]);
  const { id } = created.rows[0];
  await pool.query(
    `insert into recsys_engine.model_artifacts (model_id, graph, onnx, sha256)
     select $1, graph, '', encode(sha256(''), 'hex') from unnest('{user_tower,post_tower,dlrm}'::text[]) as graph`,
    [id],
  );
  await pool.query(
    `insert into recsys_engine.post_embeddings_${id} (model_id, post_id, embedding)
     select $1, post_id, vector::extensions.vector from unnest($2::uuid[], $3::text[]) as post (post_id, vector)`,
    [id, ids, ids.map((_, post) => JSON.stringify([...vectorAt(vectors, post)]))],
  );
  await writeNeighbours(pool, id, neighbours, () => true);
  await pool.query("select recsys_engine.complete_model($1)", [id]);
  return id;
}

async function fromSql(
  { database: { pool }, modelId, now }: Instant,
  userId: string,
  vector: Float32Array,
): Promise<[ContextRow | undefined, PostCandidate[]]> {
  const client = await pool.connect();
  try {
    // exact instead of the HNSW index, whose recall is another test's matter
    await client.query("begin; set local enable_indexscan = off");
    const at = "to_timestamp($3::double precision / 1000)";
    const contexts = await client.query<ContextRow>(`select * from recsys_engine.user_context($1, $2, ${at})`, [
      userId,
      modelId,
      now,
    ]);
    const asked = { modelId, vector, page: { served: emptyServedState() }, common: null, instant: now };
    const found = await retrieve(client, { sub: userId, role: "postgres" }, asked);
    return [contexts.rows[0], found?.posts ?? []];
  } finally {
    await client.query("rollback");
    client.release();
  }
}

function numbered({ community }: LoadedCommunity, candidates: PostCandidate[]): NumberedCandidate[] {
  const numbers = new Map(community.posts.ids.map((id, post) => [id, post]));
  return candidates
    .map((candidate) => ({ ...candidate, post: numbers.get(candidate.post_id) ?? -1 }))
    .sort((a, b) => a.post - b.post);
}

function assertClose(actual: Float32Array, expected: Float32Array, what: string): void {
  assert.equal(actual.length, expected.length, what);
  for (let i = 0; i < actual.length; i++)
    assert.ok(
      Math.abs(actual[i] - expected[i]) < 1e-4,
      `${what}[${i}] is ${actual[i]} in SQL, ${expected[i]} in the replay`,
    );
}
