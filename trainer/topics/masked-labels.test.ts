/** Labels of topics where an app shows titles to some: a label says no word of a title that its reader may not read. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../db/testing.ts";
import { uuid } from "../../testing/community.ts";
import { publishWordModel } from "../../testing/embed.ts";
import { makeTopics } from "./make-topics.ts";

const database = await testDatabase({ after }, "masked_labels");
const { pool } = database;
const subjects = {
  fishing: "river trout bait casting reel",
  baking: "sourdough crust oven flour yeast",
  chess: "gambit endgame bishop knight opening",
};
const mask = "[members only]";

// 60 posts of each subject by six authors in turn; nothing but their titles says what they are about
await pool.query("insert into public.profiles (id) select unnest($1::uuid[])", [
  Array.from({ length: 6 }, (_, i) => uuid("f", i)),
]);
for (const [n, words] of Object.values(subjects).entries())
  await pool.query(
    `insert into public.posts (id, author_id, title)
     select post.id, ($2::uuid[])[1 + number % 6], word[1 + number % 5] || ' ' || word[1 + (number + 2) % 5]
     from unnest($1::uuid[]) with ordinality as post (id, number), string_to_array($3, ' ') as word`,
    [
      Array.from({ length: 60 }, (_, i) => uuid(String(n + 1), i)),
      Array.from({ length: 6 }, (_, i) => uuid("f", i)),
      words,
    ],
  );
await publishWordModel(database, "words");
// visitors may read the titles about fishing, members those about baking, too, and the service alone those about chess
await pool.query(`create table public.titles (post_id uuid primary key, title text);
  insert into public.titles select id, title from public.posts;
  alter table public.titles enable row level security;
  grant select on public.titles to authenticated, anon, service_role;
  create policy "of visitors" on public.titles for select to anon using (post_id::text like '00000001%');
  create policy "of members" on public.titles for select to authenticated using (post_id::text ~ '^0000000[12]')`);
const { rows } = await pool.query("select pg_get_viewdef('recsys.source_posts') as view");
const masked = `coalesce((select titles.title from public.titles where titles.post_id = posts.id), '${mask}')`;
await pool.query(
  `create or replace view recsys.source_posts with (security_invoker = true) as ${rows[0].view.replace('"left"(title, 1000) AS title', `${masked} as title`)}`,
);

test("members are told words of titles that they may read, and visitors of those that visitors may; nobody those of a mask", async () => {
  await makeTopics({ database, onProgress: () => {}, signal: new AbortController().signal });
  const topics = await pool.query("select label, terms, is_public from recsys_engine.topics");
  const wordsOf = (isTold: (topic: { is_public: boolean }) => boolean) => [
    ...new Set(
      topics.rows.filter(isTold).flatMap(({ label, terms }) => [label, ...terms].join(" ").match(/\w+/g) ?? []),
    ),
  ];
  const [told, public_] = [wordsOf(() => true), wordsOf(({ is_public }) => is_public)];
  const of = (...names: (keyof typeof subjects)[]) => names.flatMap((name) => subjects[name].split(" "));
  assert.deepEqual(
    told.filter((word) => !of("fishing", "baking").includes(word)),
    [],
  );
  assert.deepEqual(
    public_.filter((word) => !of("fishing").includes(word)),
    [],
  );
  for (const name of ["fishing", "baking"] as const)
    assert.ok(
      told.some((word) => of(name).includes(word)),
      name,
    );
  assert.ok(public_.length > 0);
});
