/**
 * Measures the exposure of small groups with fair groups: `npm run bench -- groups [--seed 1,2,3]`. Languages of authors are
 * random. Prints shares of places, shown posts, and the utility of a page. Takes three minutes a seed. Needs a PostgreSQL.
 */
import { externalUuid } from "../db/import/known-ids.ts";
import { testApp } from "../supabase/functions/recommend/testing.ts";
import { expectedUtility } from "../trainer/data/synthetic/taste.ts";
import { World } from "../trainer/data/synthetic/world.ts";
import { estimate, meanOf } from "../trainer/evaluation/metrics/statistics.ts";
import { trainedCommunity } from "./shared/trained-community.ts";
import { commandOptions, numbersIn, openScope } from "./shared/workspace.ts";

const readers = 300;
/** The chance of each language, 1 together. */
const languages = { en: 0.8, de: 0.09, fr: 0.05, fi: 0.03, eu: 0.02, se: 0.01 };
const settings = {
  "as before": "group_share = 1, group_floor = 0",
  "floor 5": "group_share = 1, group_floor = 5",
  "floor 20": "group_share = 1, group_floor = 20",
  "share .8": "group_share = 0.8, group_floor = 0",
  "share .8, floor 5": "group_share = 0.8, group_floor = 5",
  "share .9, floor 5": "group_share = 0.9, group_floor = 5",
};

for (const seed of numbersIn(commandOptions({ seed: "1,2,3" }).seed)) await measure(seed);

async function measure(seed: number): Promise<void> {
  await using scope = openScope();
  const [{ pool, url }] = await trainedCommunity(scope, seed, ["bench_groups"]);
  const world = new World(seed);
  const bounds = Object.values(languages).map((_, i, shares) =>
    shares.slice(0, i).reduce((sum, each) => sum + each, 0),
  );
  await pool.query(
    `update public.posts set language = ($1::text[])[width_bucket(((hashtextextended(author_id::text, $3) & 65535) / 65536.0)::float8, $2::float8[])]`,
    [Object.keys(languages), bounds, seed],
  );
  await pool.query("update recsys.settings set trial_place = 0, group_by = 'language'");
  const { rows } = await pool.query(
    `select language, array_agg(id) filter (where created_at > recsys.clock() - interval '28 days') as ids
     from public.posts where language in (
       select posts.language from unnest(recsys_engine.small_group_posts('language')) as one (post_id) join public.posts on posts.id = one.post_id
     ) group by language`,
  );
  const small = new Set<string>(rows.flatMap(({ ids }) => ids ?? []));
  const wrote = await pool.query(
    "select count(*)::int as n from public.posts where created_at > recsys.clock() - interval '28 days'",
  );
  console.log(
    `seed ${seed}: small are ${rows.map(({ language }) => language).join(", ")}, with ${percent(small.size / wrote.rows[0].n)} of the posts of 28 days`,
  );
  const now = Number((await pool.query("select 1000 * extract(epoch from recsys.clock()) as now")).rows[0].now);
  const people = [...world.people.keys()].filter((user) => world.people[user].createdAt < now).slice(0, readers);
  const numbers = new Map(world.writings.map(({ id }, post) => [externalUuid("post", id), post]));
  let before: number[] | undefined;
  for (const [name, sql] of Object.entries(settings)) {
    await pool.query(`update recsys.settings set ${sql}`);
    const app = testApp(scope, url, { preview: true });
    const shown = new Map<string, number>();
    const utilities: number[] = [];
    let places = 0;
    for (const user of people) {
      const { body } = await app.call(externalUuid("user", world.people[user].id), { limit: 20 });
      if (body.degraded) throw new Error(`a feed is degraded: ${body.degraded}`);
      let utility = 0;
      for (const { post_id } of body.items) {
        places++;
        if (small.has(post_id)) shown.set(post_id, (shown.get(post_id) ?? 0) + 1);
        utility += expectedUtility(world.people[user], world.writings[numbers.get(post_id) as number]);
      }
      utilities.push(utility);
    }
    const times = [...shown.values()];
    const share = times.reduce((sum, each) => sum + each, 0) / places;
    before ??= utilities;
    const { mean, error } = estimate(utilities.map((each, i) => each - (before as number[])[i]));
    console.log(
      `  ${name}: ${percent(share)}, ${shown.size} of ${small.size}, ${Math.max(0, ...times)}; utility ${meanOf(utilities).toFixed(3)}, ${mean.toFixed(3)} ± ${error.toFixed(3)}`,
    );
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
