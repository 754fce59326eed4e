/**
 * Measures the cost of wishes in a feed: `npm run bench -- wishes [PAIRS]`, by default 100; takes three minutes. Two
 * databases share a community and a model, one has wishes; prints medians of both and of the differences.
 */
import { testApp } from "../supabase/functions/recommend/testing.ts";
import { load, Times } from "./shared/times.ts";
import { trainedCommunity } from "./shared/trained-community.ts";
import { openScope } from "./shared/workspace.ts";

const pairs = Number(process.argv[2] ?? 100);
const preferences = (kind: string, value: string) =>
  `insert into public.preferences (user_id, kind, value) select id, '${kind}', '${value}' from public.profiles`;
const promoted = (columns: string, values: string) =>
  `insert into recsys.promotions (name, ends_at, ${columns}) values ('Ours', 'infinity', ${values})`;

/** Each with what makes it, and how the other feed is asked for. */
const wishes: Record<string, { sql: string; request?: object }> = {
  "nothing, to compare with": { sql: "select" },
  "a post pinned for everybody": {
    sql: promoted("post_id, place", "(select id from public.posts where visibility = 'public' limit 1), 2"),
  },
  "a factor for all posts with a tag": { sql: promoted("filter, factor", `'{"tags": ["cooking"]}', 2`) },
  "more of a topic": { sql: preferences("more", "cooking") },
  "less of a topic": { sql: preferences("less", "cooking") },
  "no reposts of what was seen": { sql: preferences("hide", "reposts") },
  "five dismissals each, of yesterday": {
    sql: `insert into recsys.dismissals select profiles.id, posts.id, recsys.clock() - interval '1 day' from public.profiles
          cross join (select id from public.posts where visibility = 'public' order by created_at desc limit 5) as posts`,
  },
  "a feed of follows": { sql: preferences("feed", "following") },
  "no personalisation": { sql: preferences("feed", "impersonal") },
  "ten posts withheld from strangers": {
    sql: "insert into public.withheld (author_id, post_id) select author_id, id from public.posts order by id limit 10",
  },
  "a language has .8 of a page": { sql: "update recsys.settings set group_share = 0.8" },
  "a floor of five for small languages": { sql: "update recsys.settings set group_floor = 5" },
  "one of eight posts has a link that others have": {
    sql: "update public.posts set description = 'https://example.org/' || (random() * 100)::integer || ' see' where id::text < '2'",
  },
  "100 named posts in place of a feed": { sql: "select", request: { candidates: 100 } },
  "1,000 named posts in place of a feed": { sql: "select", request: { candidates: 1000 } },
};

await using scope = openScope();
const [plain, wished] = await trainedCommunity(scope, 1, ["bench_plain", "bench_wished"]);
for (const { pool } of [plain, wished])
  await pool.query("update public.posts set language = case when author_id::text < '1' then 'fi' else 'en' end");
const ids = async (sql: string) => (await plain.pool.query(sql)).rows.map(({ id }) => id as string);
const readers = await ids("select id from public.profiles order by id limit 30");
const posts = await ids("select id from public.posts where visibility = 'public' order by id limit 1000");
console.log(`${pairs} pairs, ${load()}`);
for (const [wish, { sql, request }] of Object.entries(wishes)) {
  await wished.pool.query(`create table public.undone as select * from recsys.settings; ${sql}`);
  const apps = [plain, wished].map(({ url }) => testApp(scope, url, { preview: true }));
  const named = request && { candidates: posts.slice(0, (request as { candidates: number }).candidates) };
  const times: [number, number][] = [];
  for (let pair = -20; pair < pairs; pair++) {
    const took: [number, number] = [0, 0];
    for (const which of pair % 2 === 0 ? [0, 1] : [1, 0]) {
      const begun = performance.now();
      const asked = { limit: 20, ...(which === 1 && named) };
      const { status, body } = await apps[which].call(readers[(pair + 20) % readers.length], asked);
      took[which] = performance.now() - begun;
      if (status !== 200 || body.degraded) throw new Error(`${wish}: ${status} ${body.degraded}`);
    }
    if (pair >= 0) times.push(took);
  }
  const [without, withIt, differences] = [
    times.map(([one]) => one),
    times.map(([, other]) => other),
    times.map(([one, other]) => other - one),
  ].map((each) => new Times(each).at(0.5));
  console.log(`${wish}: ${without} ms without, ${withIt} with, ${differences} the difference`);
  await wished.pool.query(
    `truncate public.preferences, recsys.promotions, recsys.dismissals, public.withheld;
     update recsys.settings set group_share = undone.group_share, group_floor = undone.group_floor from public.undone;
     drop table public.undone`,
  );
}
console.log(load());
