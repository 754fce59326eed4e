/** For tests: what recsys_engine.promoted_posts brings a reader, in the transaction of a feed, under the policies of the moment. */
import assert from "node:assert/strict";
import { type Asked, eligible } from "./allowed-answers.ts";
import { promotable, promotionsTo } from "./allowed-wishes.ts";
import { tally } from "./occurred.ts";
import type { Client, PolicyPost } from "./random-policies.ts";
import { anyFilter, pick } from "./random-values.ts";

/** Asks in a transaction of the owner's, with any candidates: exactly what may be shown is brought. Returns how many posts. */
export async function askPromoted(client: Client, asked: Asked): Promise<number> {
  const { random, caller, people, facts } = asked;
  // a feed of follows has none
  if (facts.feed === "following") return 0;
  const filter = anyFilter(random, people);
  const promotions = await promotionsTo(client, asked);
  // as a worker remembers them for a minute: by now they may be hidden, or be of other groups
  const { rows: remembered } = await client.query(
    "select id from (select unnest(recsys_engine.small_group_posts('language')) as id union select id from public.posts) as any_post order by md5(id::text || $1) limit 30",
    [random.below(1e9)],
  );
  const small: string[] = remembered.map(({ id }) => id);
  const may = eligible(asked, filter);
  const share = pick(random, [0, 0.3, 1]);
  const candidates = new Set(may.flatMap(({ id }) => (random.uniform() < share ? [id] : [])));
  const floor = pick(random, [0, 3, 20]);
  await client.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(caller)]);
  const { rows } = await client.query(
    "select recsys_engine.promoted_posts($1, $2, now(), $3, $4, 7, null, $5, $6) as found",
    [caller.role, caller.sub ?? null, [...candidates], filter && JSON.stringify(filter), small, floor],
  );
  const { found } = rows[0];
  const expected = promotions.flatMap((promotion) => {
    const all = promotable(asked, promotion, null);
    const newest = promotion.filter ? all.toSorted(newer).slice(0, 20) : all;
    const wanted = [...newest, ...all.filter(({ id }) => candidates.has(id))].map(({ id }) => id);
    const passing = new Set(promotable(asked, promotion, filter).map(({ id }) => id));
    const ids = [...new Set(wanted)].filter((id) => passing.has(id)).sort();
    return ids.length > 0 ? [[promotion.name, ids]] : [];
  });
  const what = `promoted ${JSON.stringify({ filter, floor })}`;
  assert.deepEqual(
    found.promotions.map(({ name, post_ids }: { name: string; post_ids: string[] }) => [name, post_ids.toSorted()]),
    expected,
    what,
  );
  const promoted = new Set(expected.flatMap(([, ids]) => ids).filter((id) => !candidates.has(id as string)));
  const shown = new Set(may.map(({ id }) => id));
  const ofGroups = small.filter((id) => shown.has(id) && !candidates.has(id) && !promoted.has(id)).slice(0, floor);
  const brought: string[] = found.posts.post_id ?? [];
  assert.deepEqual(brought.slice(0, promoted.size).sort(), [...promoted].sort(), what);
  assert.deepEqual(brought.slice(promoted.size), ofGroups, `${what}: of small groups`);
  tally(asked, "a floor of small groups", ofGroups.length);
  return brought.length;
}

const newer = (a: PolicyPost, b: PolicyPost) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1);
