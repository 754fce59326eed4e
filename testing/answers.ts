/** For tests: a user's whole answer in SQL, to compare with another answer of the same transaction. */
import type { Client, PolicyCaller } from "./random-policies.ts";

/** The rows of each answer as sorted texts; the transaction goes on under the role that it began with. */
export async function answersTo(
  client: Client,
  caller: PolicyCaller,
  { modelId, vector, post }: { modelId: number; vector: number[]; post: string },
): Promise<string[][]> {
  const { sub } = caller;
  // all that there are, readable or not
  const { rows: all } = await client.query("select coalesce(array_agg(id order by id), '{}') as ids from public.posts");
  const [{ ids }] = all;
  const answers: [query: string, ...values: unknown[]][] = [
    ["recsys_engine.retrieve($1, $2, $3::text::extensions.vector, now())", sub, modelId, JSON.stringify(vector)],
    ["recsys_engine.requested_posts($1, $2, null, 7)", sub, ids],
    ["recsys_engine.count_new_posts($1, now() - interval '7 days', null, 1000)", sub],
    ["recsys_engine.people_to_follow($1, 20)", sub],
    ["recsys_engine.topics_to_follow($1, 20, 'topic')", sub],
    ["recsys_engine.topics_to_follow($1, 20, 'group')", sub],
    ["recsys_engine.similar_posts_for_caller($1, 20)", post],
    ["recsys_engine.batch_feed($1, 20)", sub],
  ];
  await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
    JSON.stringify(caller),
  ]);
  const told: string[][] = [];
  for (const [query, ...values] of answers) {
    const { rows } = await client.query(`select to_json(each)::text as row from ${query} as each`, values);
    told.push(rows.map(({ row }) => row).sort());
  }
  await client.query("reset role");
  const { rows } = await client.query(
    `select recsys_engine.feed_candidates(jsonb_build_object('role', 'authenticated', 'user_id', $1::uuid, 'model_id', $2::bigint, 'embedding', $3::text,
       'at', 1000 * date_part('epoch', now()), 'seed', 7, 'requested', $4::uuid[])) as found`,
    [sub, modelId, JSON.stringify(vector), ids],
  );
  await client.query("reset role");
  const { posts, ranks, served_keys, ...rest } = rows[0].found;
  const columns = [...Object.values(posts as Record<string, unknown[] | null>), ranks, served_keys];
  const named = (ranks ?? []).map((_: unknown, i: number) => JSON.stringify(columns.map((column) => column?.[i])));
  told.push(named.sort(), [JSON.stringify(sortedKeys(rest))]);
  // the same promotions before and after, besides those that there are, of whatever posts, which may be of small groups, too
  await client.query(
    `insert into recsys.promotions (name, post_id, place, starts_at, ends_at)
     select 'pinned', id, 1, now() - interval '1 day', now() + interval '1 day' from unnest($1::uuid[]) as id
     where not exists (select from recsys.promotions where name = 'pinned') limit 20`,
    [ids],
  );
  const { rows: promoted } = await client.query(
    "select recsys_engine.promoted_posts('authenticated', $1, now(), '{}', null, 7, null, $2, 20) as found",
    [sub, ids],
  );
  await client.query("reset role");
  told.push([JSON.stringify(promoted[0].found)]);
  return told;
}

/** An aggregate of JSON has its keys in the order of the rows that it met. */
function sortedKeys(answer: Record<string, unknown>): Record<string, unknown> {
  const sorted = (value: unknown) =>
    Array.isArray(value) ? value.toSorted() : value && Object.fromEntries(Object.entries(value).toSorted());
  return Object.fromEntries(
    Object.entries(answer).map(([key, value]) => [key, typeof value === "object" ? sorted(value) : value]),
  );
}
