/** For tests: feeds that are made as their reader decided, under random policies. */
import assert from "node:assert/strict";
import { answersTo } from "./answers.ts";
import type { Client, PolicyCaller, PolicyPost } from "./random-policies.ts";

/** What a caller is told who wants no personalisation, in a transaction of the owner's; and again without all that they did, follow and say of themselves. */
export async function toldTwice(
  client: Client,
  caller: PolicyCaller,
  asked: { modelId: number; vector: number[]; post: string },
): Promise<[before: unknown[][], after: unknown[][]]> {
  const ofThem = (statement: string) => client.query(statement, [caller.sub]);
  const told = async () => {
    const context = "select to_json(context)::text as row from recsys_engine.user_context($1, $2, now()) as context";
    const { rows } = await client.query(context, [caller.sub, asked.modelId]);
    return [...(await answersTo(client, caller, asked)), rows];
  };
  await ofThem("delete from public.preferences where user_id = $1");
  await ofThem("insert into public.preferences (user_id, kind, value) values ($1, 'feed', 'impersonal')");
  const before = await told();
  const app = ["post_views", "post_votes", "comments", "follows", "logins"].map((table) => `public.${table}`);
  const own = ["user_stats", "latest_user_stats", "user_affinities"].map((table) => `recsys_engine.${table}`);
  for (const table of [...app, ...own, "recsys.dismissals", "recsys.impressions", "recsys.user_embeddings"])
    await ofThem(`delete from ${table} where user_id = $1`);
  // by who is open the app's policies say who reads their posts
  await ofThem(
    "update public.profiles set passions = '{other}', bio = case bio when 'open' then bio else 'other' end where id = $1",
  );
  return [before, await told()];
}

/** How many posts at least a feed of follows has, of those that may be in it: of topics the ten last written in are read. */
export function assertFollows(
  items: { post_id: string; score: number }[],
  eligible: PolicyPost[],
  { people, topics }: { people: Set<string>; topics: Set<string> },
  limit: number,
  what: string,
): void {
  const byFollowed = eligible.filter(({ author_id }) => people.has(author_id ?? ""));
  const onFollowed = eligible.filter(({ tags }) => tags.some((tag) => topics.has(tag.toLowerCase())));
  const may = new Set([...byFollowed, ...onFollowed].map(({ id }) => id));
  for (const { post_id } of items) assert.ok(may.has(post_id), `${what}: must not be shown`);
  assert.equal(new Set(items.map(({ post_id }) => post_id)).size, items.length, `${what}: each once`);
  assert.ok(items.length >= Math.min(limit, byFollowed.length), `${what}: ${items.length} of ${byFollowed.length}`);
  const times = items.map(({ score }) => score);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => b - a),
    what,
  );
}
