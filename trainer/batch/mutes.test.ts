/** The posts that are found in memory are those that a feed leaves out for the same mutes. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../db/testing.ts";
import { publishTinyModel } from "../../testing/community.ts";
import { addTenants, fillRandomCommunity } from "../../testing/random-policies.ts";
import { mutedParts, mutedWords, pick, tags } from "../../testing/random-values.ts";
import { communityFromDatabase } from "../data/replay/from-database.ts";
import { Random } from "../models/nn/random.ts";
import { MutedPosts, readMutes } from "./mutes.ts";

const database = await testDatabase({ after }, "batch_mutes");
const { pool } = database;
await addTenants(pool);
const random = new Random(5);
const people = await fillRandomCommunity(pool, random, await publishTinyModel(pool, { name: "tiny" }));
await pool.query(
  `insert into public.posts (title, tags) values ('', '{}'), ('ROOK', '{Chess}'), ('a rook', '{}'), ('rooks', '{}'), ('node.js', '{}'), ('node js', '{}'),
   ('C++ and C', '{}'), ('two  words', '{}'), (E'two\twords', '{}'), (E'two\nwords', '{}'), ('twowords', '{}'), ('end$', '{}'), ('ÜBER', '{}'), ('x_y', '{}'), ('...', '{}'),
   ('uber', '{}'), (E'u\\u0308ber', '{}'), (E'ro\\u00adok', '{}'), (E'ro\\u200bok', '{}'), ('ｒｏｏｋ', '{}'), ('ﬁlm', '{}'), ('Café', '{CAFÉ}'), ('Straße', '{}'),
   ('旅行签证过境', '{}'), ('签 证', '{}'), ('证签', '{}'), ('去Paris了', '{}'), ('東京の天気', '{}'), ('ไปเที่ยวเชียงใหม่', '{}'), ('दिल्ली', '{}'), ('दिल', '{}'), ('كِتَاب', '{}'), ('why?', '{}'), ('a | b', '{}'),
   (E'ro\\u3164ok', '{}'), (E'ro\\uffa0ok', '{}'), (E'ro\\u0001o\\u001fk', '{}'), ('x', E'{ro\\u007fok}'), (E'two\\fwords', '{}'), (E'two\\u0085words', '{}'), ('two', '{words}')`,
);
const { community } = await communityFromDatabase(database);
const muted = new MutedPosts(community);

async function mute(user: string, mutes: [kind: string, value: string][]): Promise<void> {
  await pool.query("delete from public.mutes where user_id = $1", [user]);
  await pool.query(
    "insert into public.mutes (user_id, kind, value) select $1, kind, value from unnest($2::text[], $3::text[]) as mute (kind, value) on conflict do nothing",
    [user, mutes.map(([kind]) => kind), mutes.map(([, value]) => value)],
  );
}

/** The ids of all posts that a feed of the user does not show for their mutes. */
async function leftOut(user: string): Promise<string[]> {
  const { rows } = await pool.query(
    `with asked as materialized (select recsys_engine.mutes_only_request($1, '2199-01-01') as request)
     select post_id from recsys.source_posts
     where post_id not in (select post_id from recsys_engine.eligible_posts((select request from asked)))
     order by post_id`,
    [user],
  );
  return rows.map(({ post_id }) => post_id);
}

async function found(user: string): Promise<string[]> {
  const mutes = (await readMutes(database, [user])).get(user);
  if (!mutes) return [];
  const outright = muted.of(mutes);
  return community.posts.ids.filter((_, post) => outright.has(post) || muted.contains(post, mutes)).sort();
}

test("each word, topic and person, by itself", async () => {
  const [user] = people;
  const each: [string, string][] = [
    ...mutedWords.map((word): [string, string] => ["word", word]),
    ...[
      "  rook ",
      "ÜBER",
      "two \t words",
      "...",
      "\u00a0",
      "u\u0308ber",
      "uber",
      "r\u200book",
      "r\u115fook",
      "r\u0007ook",
      "two\u0085words",
      "ｒook",
      "film",
      "cafe",
      "CAFÉ",
      "straße",
      "签证",
      "签",
      "过境了",
      "签证过",
      "paris",
      "去paris",
      "par",
      "の",
      "เชียงใหม่",
      "दिल",
      "दिल्ली",
      "كتاب",
      "\u00ad",
      "|",
      "?",
    ].map((word): [string, string] => ["word", word]),
    ...tags.map((tag): [string, string] => ["topic", tag]),
    ...["contains", "title_contains"].flatMap((kind) =>
      [...mutedParts, ...mutedWords, "OO", "über", "u\u0308", "签证", "\u00a0"].map((part): [string, string] => [
        kind,
        part,
      ]),
    ),
    ["topic", "sQL"],
    ...people.map((person): [string, string] => ["person", person]),
    ["person", `{${people[1]?.toUpperCase()}}`],
  ];
  const hidden = async (word: string) => {
    await mute(people[0], [["word", word]]);
    return (await leftOut(people[0])).length;
  };
  assert.equal(await hidden("rook"), await hidden("RÓ\u00adOK"), "however it is written");
  await mute(people[0], [["word", "rook"]]);
  const { rows: evading } = await pool.query(
    String.raw`select id from public.posts where title = any (array[E'ro\u3164ok', E'ro\uffa0ok', E'ro\u0001o\u001fk']) or tags = array[E'ro\u007fok']`,
  );
  const ofRook = await leftOut(people[0]);
  assert.deepEqual([evading.length, evading.every(({ id }) => ofRook.includes(id))], [4, true], "whatever nobody sees");
  assert.equal(await hidden("\u00ad"), 0, "and of nothing nothing");
  assert.equal(await hidden("|"), 1, "what parts titles from tags is no sign of theirs");
  let some = 0;
  for (const one of each) {
    await mute(user, [one]);
    const ids = await found(user);
    assert.deepEqual(ids, await leftOut(user), one.join(": "));
    if (ids.length > 0) some++;
  }
  assert.ok(some > 40, `${some} of ${each.length} mute anything`);
});

test("of a page of users each has their own, and who muted nothing none", async () => {
  for (const user of people)
    await mute(
      user,
      Array.from({ length: random.below(8) }, () =>
        pick(random, [
          ["word", pick(random, mutedWords)],
          ["topic", pick(random, tags)],
          [pick(random, ["contains", "title_contains"]), pick(random, mutedParts)],
          ["person", pick(random, people)],
        ]),
      ),
    );
  const mutes = await readMutes(database, people);
  const { rows } = await pool.query("select distinct user_id from public.mutes");
  assert.deepEqual([...mutes.keys()].sort(), rows.map(({ user_id }) => user_id).sort());
  for (const user of people) assert.deepEqual(await found(user), await leftOut(user), user);
});

test("no more is read than for a feed: 100 words", async () => {
  const [user] = people;
  await pool.query("delete from public.mutes where user_id = $1", [user]);
  await pool.query("alter table public.mutes disable trigger refuse_too_many_mutes");
  await mute(user, [
    ...Array.from({ length: 100 }, (_, n): [string, string] => ["word", `a${String(n).padStart(3, "0")}`]),
    ["word", "rook"],
  ]);
  assert.equal((await readMutes(database, [user])).get(user)?.words.length, 100);
  assert.deepEqual(await found(user), []);
  assert.deepEqual(await leftOut(user), []);
});
