/** For tests: a day of feeds and of what people did with them, drawn at random, in memory and in a database. */
import type pg from "pg";
import { featureSpec } from "../supabase/functions/_shared/features/feature-spec.ts";
import type { Random } from "../trainer/models/nn/random.ts";
import { clear, uuid } from "./community.ts";

/** Milliseconds. */
export const hours = 3_600_000;

/** The last day whose labels are settled, as YYYY-MM-DD. */
export function settledDay(): string {
  return new Date(Date.now() - 48 * hours).toISOString().slice(0, 10);
}

export interface DailyFigure {
  metric: string;
  model_id: number;
  slice: string;
  value: number;
  count: number;
}

/** What was measured of a day but lag and degraded, by metric|model|slice. */
export async function figuresOf(pool: pg.Pool, day: string): Promise<Map<string, DailyFigure>> {
  const { rows } = await pool.query<DailyFigure>(
    "select metric, model_id::int, slice, value, count::int from recsys.daily_metrics where day = $1 and metric not in ('lag', 'degraded')",
    [day],
  );
  return new Map(rows.map((row) => [`${row.metric}|${row.model_id}|${row.slice}`, row]));
}

/** Empties the database of people, posts and figures. */
export async function clearFigures(pool: pg.Pool): Promise<void> {
  await clear(pool);
  await pool.query(
    "truncate recsys.daily_metrics, recsys_engine.feature_changes; update recsys.settings set clock_shift = '0'",
  );
}

/** An impression; `user` and `post` are numbers of `uuid("a", n)` and `uuid("b", n)`. */
export interface ShownPost {
  request: number;
  user: number;
  post: number;
  position: number;
  at: number;
  model: number | null;
  mode: "live" | "batch";
  degraded: string | null;
  source: string | null;
  probabilities: number[] | null;
}

export interface MeasuredCommunity {
  people: number;
  /** Authors are people of their own: author n % authors wrote post n. */
  authors: number;
  /** When each post was written. */
  posts: number[];
  acts: { user: number; post: number; kind: "view" | "vote" | "comment"; at: number }[];
}

/** A day in which 40 people are shown 120 feeds of 80 posts; some posts again, some with no model, some degraded. */
export function drawDay(
  random: Random,
  day: string,
  models: number[],
): { community: MeasuredCommunity; impressions: ShownPost[] } {
  const begins = Date.parse(`${day}T00:00:00Z`);
  const whole = (n: number) => Math.floor(random.uniform() * n);
  const pick = <T>(values: T[]): T => values[whole(values.length)];
  const authors = 23;
  const posts = Array.from({ length: 80 }, () => begins - Math.floor(1000 * hours * random.uniform() ** 3) - 1);
  const impressions: ShownPost[] = [];
  const acts: MeasuredCommunity["acts"] = [];
  for (let request = 0; request < 120; request++) {
    const user = whole(40);
    const at = begins + whole(24 * hours);
    const model = random.uniform() < 0.15 ? null : pick(models);
    const mode = model !== null && random.uniform() < 0.2 ? "batch" : "live";
    const degraded =
      model === null ? pick([null, "unranked", "community"]) : mode === "batch" ? pick([null, "batch"]) : null;
    const from = whole(60);
    for (const [i, post] of random
      .shuffle([...posts.keys()])
      .slice(0, 12)
      .entries()) {
      const source = model === null ? null : pick(["similar", "active", "fresh", "trending", "followed"]);
      const probabilities =
        model === null ? null : [random.uniform() / 4, random.uniform() / 10, random.uniform() / 50];
      impressions.push({
        request,
        user,
        post,
        position: from + i + 1,
        at,
        model,
        mode,
        degraded,
        source,
        probabilities,
      });
      // before it was shown, soon after, and when it does not count any more
      for (const kind of ["view", "view", "vote", "comment"] as const)
        if (random.uniform() < 0.12) acts.push({ user, post, kind, at: at + whole(40 * hours) - 6 * hours });
    }
  }
  // at the edges of the day of labels
  for (const [i, { user, post, at }] of impressions.slice(0, 20).entries())
    acts.push({ user, post, kind: "vote", at: at + (i % 2 ? 24 * hours : 0) });
  return { community: { people: 40, authors, posts, acts }, impressions };
}

/** Puts it into a migrated database and rolls up. */
export async function fillDay(
  pool: pg.Pool,
  { people, authors, posts, acts }: MeasuredCommunity,
  shown: ShownPost[],
): Promise<void> {
  const iso = (at: number) => new Date(at).toISOString();
  await pool.query(
    `insert into public.profiles (id, created_at) select id, now() - interval '90 days' from unnest($1::uuid[]) as id`,
    [[...Array(people).keys()].map((n) => uuid("a", n)).concat([...Array(authors).keys()].map((n) => uuid("c", n)))],
  );
  await pool.query(
    "insert into public.posts (id, author_id, title, created_at) select id, author, 'a post', at from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as post (id, author, at)",
    [posts.map((_, n) => uuid("b", n)), posts.map((_, n) => uuid("c", n % authors)), posts.map(iso)],
  );
  for (const [kind, table] of [
    ["view", "post_views"],
    ["vote", "post_votes"],
    ["comment", "comments"],
  ]) {
    const those = acts.filter((act) => act.kind === kind);
    await pool.query(
      `insert into public.${table} (user_id, post_id, created_at) select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) on conflict do nothing`,
      [
        those.map(({ user }) => uuid("a", user)),
        those.map(({ post }) => uuid("b", post)),
        those.map(({ at }) => iso(at)),
      ],
    );
  }
  await pool.query("select recsys.roll_up(null)");
  const column = <T>(value: (one: ShownPost) => T) => shown.map(value);
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, model_id, mode, degraded, source, view_probability, vote_probability, comment_probability)
     select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::timestamptz[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::real[], $11::real[], $12::real[])`,
    [
      column(({ request }) => uuid("f", request)),
      column(({ user }) => uuid("a", user)),
      column(({ post }) => uuid("b", post)),
      column(({ position }) => position),
      column(({ at }) => iso(at)),
      column(({ model }) => model),
      column(({ mode }) => mode),
      column(({ degraded }) => degraded),
      column(({ source }) => source),
      ...[0, 1, 2].map((head) => column(({ probabilities }) => probabilities?.[head] ?? null)),
    ],
  );
}

/** A model's row without served feeds. */
export async function insertModel(pool: pg.Pool, name: string): Promise<number> {
  const { rows } = await pool.query("select recsys_engine.create_model($1, $2, 'digest', '{}')::int as id", [
    name,
    featureSpec,
  ]);
  return rows[0].id;
}
