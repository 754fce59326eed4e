/**
 * No answer holds, counts or reveals a post that its reader may not read, muted, or did not ask for; and none is shorter than
 * what there is. Random communities under random policies, promotions, groups and preferences; between requests anything
 * changes. Each answer is compared with a plain select of the posts as the same caller, an explained feed with the same after
 * all hidden rows are gone. SOAK sets the requests: 10,000 in `test:soak`, 200 in `test:full`, else 40.
 *
 * Of the sources, `active` returns all posts that a reader may be shown, up to 300, since writing is an activity. So
 * retrieval returns ≥ min(300, available) posts, similar posts ≥ min(limit, those with a vector), and a page of 100 is full.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type pg from "pg";
import { eitherDatabase } from "../../../db/testing.ts";
import { type Asked, eligible, factsOf, isMuted, isWithheld } from "../../../testing/allowed-answers.ts";
import { suggestionsTo } from "../../../testing/allowed-suggestions.ts";
import { answersTo } from "../../../testing/answers.ts";
import { askCount } from "../../../testing/asked-counts.ts";
import { askFeed, assertTitles } from "../../../testing/asked-feeds.ts";
import { askPromoted } from "../../../testing/asked-promotions.ts";
import { clear, publishTinyModel } from "../../../testing/community.ts";
import { courses, isFull } from "../../../testing/courses.ts";
import { askNamed } from "../../../testing/named-posts.ts";
import { assertOccurred } from "../../../testing/occurred.ts";
import { toldTwice } from "../../../testing/preferences.ts";
import {
  addTenants,
  changePolicies,
  changeSomething,
  fillRandomCommunity,
  goOver,
  originalsOf,
  type PolicyCaller,
  readable,
} from "../../../testing/random-policies.ts";
import { anyFilter, pick, unitVector } from "../../../testing/random-values.ts";
import { beginWishes, changeWish } from "../../../testing/random-wishes.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import { sources } from "../_shared/features/retrieval.ts";
import { testApp as similarApp } from "../similar/testing.ts";
import { testApp } from "./testing.ts";

type Row = [topic: string, item: string, value: string];

const soak = Number(process.env.SOAK ?? 0);
/** One short community, another each day; how often each kind of answer occurs is asserted where there are more. */
const isShort = soak === 0 && !isFull;
const requestsOfACommunity = isShort ? 40 : 100;
const communities = isShort ? courses : Array.from({ length: (soak || 200) / 100 }, (_, i) => i);
const requests = communities.length * requestsOfACommunity;
const { pool, url } = await eitherDatabase({ after }, "leaks");
await addTenants(pool);
// or the plan of a feed's first query expects millions of rows, and is compiled for 0.2 s each time
await pool.query("analyze recsys.settings, recsys_engine.feature_store_version");
const tenantOf = (user: string) =>
  user.endsWith("0") ? {} : { tenant: ["north", "south", "east"][Number(user.at(-1)) % 3] };
const app = testApp({ after }, url, { claims: tenantOf });
const similar = similarApp({ after }, url, { claims: tenantOf });

/** How often what is drawn had to do with an answer. */
const occurred = new Map<string, number>();
/** How many retrievals were for a user who may read few posts. */
let ofFew = 0;

/** The answered posts are among the expected, each once, and as many as `least`. */
function assertHolds(answered: string[], expected: { id: string }[], least: number, what: string) {
  const ids = new Set(expected.map(({ id }) => id));
  assert.deepEqual(
    answered.filter((id) => !ids.has(id)),
    [],
    `${what}: must not be shown`,
  );
  assert.equal(new Set(answered).size, answered.length, `${what}: each once`);
  assert.ok(answered.length >= Math.min(least, ids.size), `${what}: ${answered.length} of ${ids.size} and ${least}`);
}

const titled = (post: { post_id: string; title: string }) => ({ ...post, why: { kind: "active" } as const });

/** What is asked on a connection of the caller's, in the transaction that read what they may read. */
const within: Record<string, (asked: Asked, client: pg.PoolClient) => Promise<number>> = {
  async retrieval(asked, client) {
    const { random, caller, facts, modelId } = asked;
    const filter = anyFilter(random, asked.people);
    const model = random.below(4) === 0 ? null : modelId;
    const { rows } = await client.query(
      "select post_id, ranks from recsys_engine.retrieve($1, $2, $3::text::extensions.vector, now(), p_filter => $4)",
      [caller.sub ?? null, model, model && JSON.stringify(unitVector(random)), filter],
    );
    const expected = eligible(asked, filter);
    const what = `retrieval ${JSON.stringify(filter)}`;
    assertHolds(
      rows.map(({ post_id }) => post_id),
      expected,
      sources.active.size,
      what,
    );
    const small = "select from recsys_engine.small_readable_set() as few where few is not null";
    ofFew += (await client.query(small)).rows.length;
    const count = (source: string) => rows.filter(({ ranks }) => ranks[source] !== undefined).length;
    assert.equal(count("active"), Math.min(sources.active.size, expected.length), `${what}: active`);
    assert.equal(count("fresh"), Math.min(sources.fresh.size, expected.length), `${what}: fresh`);
    const near = model ? expected.filter(({ id }) => facts.embedded.has(id)).length : 0;
    assert.equal(count("similar"), Math.min(sources.similar.size, near), `${what}: similar`);
    return rows.length;
  },
  async "a list made ahead"(asked, client) {
    const { random, caller, facts } = asked;
    const [filter, limit] = [anyFilter(random, asked.people), 1 + random.below(60)];
    const { rows } = await client.query("select post_id, title from recsys_engine.batch_feed($1, $2, p_filter => $3)", [
      caller.sub,
      limit,
      filter,
    ]);
    const ids = new Set(eligible(asked, filter).map(({ id }) => id));
    assert.deepEqual(
      rows.map(({ post_id }) => post_id),
      facts.list.filter((id) => ids.has(id)).slice(0, limit),
    );
    assertTitles(asked, rows.map(titled), "a list made ahead");
    return rows.length;
  },
  async "similar posts"(asked, client) {
    const { random, posts, facts, modelId } = asked;
    const [post, limit] = [pick(random, [...facts.embedded]), 1 + random.below(40)];
    const similar = "select is_known, items from recsys_engine.similar_posts_for_caller($1, $2)";
    const like = await client.query(similar, [post, limit]);
    const { rowCount: isReadable } = await client.query("select from public.posts where id = $1", [post]);
    if (!isReadable) assert.deepEqual(like.rows, [{ is_known: false, items: [] }], "nobody learns of a hidden post");
    assertTitles(asked, like.rows[0].items.map(titled), "similar posts");
    // nor by measuring with vectors of their own
    const nearest =
      "select post_id from recsys_engine.nearest_posts($1, $2::text::extensions.vector, now(), array[$3::uuid], $4)";
    const { rows } = await client.query(nearest, [modelId, JSON.stringify(unitVector(random)), post, limit]);
    const expected = posts.filter(
      (each) => each.id !== post && facts.embedded.has(each.id) && !isMuted(facts, each) && !isWithheld(facts, each),
    );
    assertHolds(
      rows.map(({ post_id }) => post_id),
      expected,
      limit,
      "similar posts",
    );
    return rows.length;
  },
  async "whom and what to follow"(asked, client) {
    const limit = 1 + asked.random.below(40);
    const { people, topics, groups, least } = await suggestionsTo(client, asked.caller.sub as string, asked, limit);
    assertHolds(people.answered, people.expected, least, "whom to follow");
    assertHolds(topics.answered, topics.expected, least, "what to follow");
    assertHolds(groups.answered, groups.expected, least, "which groups to follow");
    return people.answered.length + topics.answered.length + groups.answered.length;
  },
  async "what the engine keeps of posts"({ posts }, client) {
    const { rows } = await client.query(
      `select post_id from recsys_engine.latest_post_stats union select post_id from recsys_engine.post_stats
       union select post_id from recsys.post_embeddings union select post_id from recsys_engine.post_tags`,
    );
    const future = await client.query("select id from public.posts where created_at > now()");
    const ids = new Set([...posts, ...future.rows].map(({ id }) => id));
    assert.deepEqual(
      rows.filter(({ post_id }) => !ids.has(post_id)),
      [],
    );
    return rows.length;
  },
};

/** What takes connections of its own, when no transaction is open: the embedded database has one session. */
const outside: Record<string, (asked: Asked) => Promise<number>> = {
  async "similar people"(asked) {
    const { random, caller, facts } = asked;
    // who is near is kept for a day, and what may be read changes
    if (random.uniform() < 0.5)
      await pool.query("delete from recsys_engine.similar_people where user_id = $1", [caller.sub]);
    const { rows: posts } = await pool.query("select id from public.posts order by md5(id::text || $1) limit 20", [
      random.below(1e9),
    ]);
    const { own, people } = await asCaller(caller, async (client) => {
      const { rows: theirs } = await client.query("select id from public.posts where author_id = $1", [caller.sub]);
      const { rows: people } = await client.query(
        `select id from public.profiles where id <> $1
           and not exists (select from public.mutes where mutes.user_id = $1 and mutes.kind = 'person' and mutes.value = profiles.id::text)`,
        [caller.sub],
      );
      return { own: theirs.map(({ id }) => id), people };
    });
    // people like the caller, or the reach of a post, mostly of their own
    const post = pick(random, [undefined, undefined, pick(random, posts)?.id, ...own.slice(0, 2)]);
    if (post !== undefined) {
      const { status, body } = await similar.call(caller.sub as string, { find: "reach", post_id: post });
      assert.deepEqual([status, body.error?.code], own.includes(post) ? [200, undefined] : [404, "unknown_post"]);
      return 0;
    }
    const { rowCount: kept } = await pool.query("select from recsys_engine.similar_people where user_id = $1", [
      caller.sub,
    ]);
    const { status, body } = await similar.call(caller.sub as string, { find: "people", limit: 100 });
    assert.equal(status, 200, JSON.stringify(body));
    const found = facts.placed.has(caller.sub as string)
      ? people.filter(({ id }) => facts.placed.has(id) && !facts.withheld.has(id))
      : [];
    const answered = body.items.map((item) => (item as { user_id: string }).user_id);
    assertHolds(answered, found, kept || found.length < 10 ? 0 : found.length, "similar people");
    assert.ok(answered.length === 0 || answered.length >= 10, `${answered.length} people are too few to be told`);
    return answered.length;
  },
  async "what explains a feed"({ random, caller: { sub } }) {
    return await rolledBack(async (client) => {
      const drawn = "select id from public.posts order by md5(id::text || $1) limit 20";
      const { rows: all } = await client.query(drawn, [random.below(1e9)]);
      // it asks as the user, but knows no further claims of their token
      const claims = JSON.stringify({ sub, role: "authenticated" });
      await client.query("select set_config('request.jwt.claims', $1, true)", [claims]);
      await client.query("set local role authenticated");
      const { rows: readable } = await client.query("select id from public.posts order by id");
      const ids = readable.map(({ id }) => id);
      await client.query("reset role");
      const post: string = pick(random, [pick(random, all), pick(random, readable) ?? all[0]]).id;
      const explain = async () => {
        const { rows } = await client.query("select topic, item, value from recsys.explain($1, $2)", [sub, post]);
        return rows.map(({ topic, item, value }): Row => [topic, item, value]);
      };
      // what they did with posts hidden by now is theirs to know: it takes places in a history of fifty
      for (const table of ["post_views", "post_votes", "comments"])
        await client.query(`delete from public.${table} where user_id = $1 and post_id <> all ($2)`, [sub, ids]);
      const told = await explain();
      if (!ids.includes(post)) {
        assert.deepEqual(told, [
          ["verdict", "not a candidate", "not visible"],
          ["why not", "not visible", "row level security hides it from this user"],
        ]);
        return 0;
      }
      assert.ok(told.some(([topic]) => topic === "source"));
      // without what the user may not read, and without what others did, muted, dismissed and were shown, it says the same
      await client.query("delete from public.posts where id <> all ($1)", [ids]);
      // comments are read with their post: that those whom the user follows wrote some is theirs to know
      await client.query(
        "delete from public.comments where user_id <> $1 and user_id not in (select person_id from public.follows where user_id = $1 and kind = 'person')",
        [sub],
      );
      for (const table of ["post_views", "post_votes", "mutes", "follows"])
        await client.query(`delete from public.${table} where user_id <> $1`, [sub]);
      for (const table of ["dismissals", "impressions", "batch_recommendations", "user_embeddings"])
        await client.query(`delete from recsys.${table} where user_id <> $1`, [sub]);
      assert.deepEqual(await explain(), told);
      return told.length;
    });
  },
  /** What is hidden is in no count, rank or reason: where it is gone, everything is said as before. */
  async "answers where what is hidden is gone"({ random, caller, modelId, facts, posts }) {
    return await rolledBack(async (client) => {
      const [vector, post] = [unitVector(random), pick(random, [...facts.embedded])];
      const before = await answersTo(client, caller, { modelId, vector, post });
      // a future post is in no feed, but its author counts among those whose posts the reader has interacted with
      const shown = posts.map(({ id }) => id);
      await client.query("delete from public.posts where id <> all ($1) and created_at <= now()", [shown]);
      assert.deepEqual(await answersTo(client, caller, { modelId, vector, post }), before);
      return before.flat().length;
    });
  },
  /** A user who wants no personalisation gets the same answer whatever they did, follow and say of themselves. */
  async "answers where nothing of the caller is read"({ random, caller, modelId, facts }) {
    return await rolledBack(async (client) => {
      const asked = { modelId, vector: unitVector(random), post: pick(random, [...facts.embedded]) };
      const [before, after] = await toldTwice(client, caller, asked);
      assert.deepEqual(after, before);
      return before.flat().length;
    });
  },
  "the function": (asked) => askFeed(pool, app, asked, assertHolds),
  "the count of new posts": (asked) => askCount(pool, app, asked),
  "what is promoted": (asked) => rolledBack((client) => askPromoted(client, asked)),
  "posts that the app names": (asked) => askNamed(pool, app, asked, assertHolds),
  async "the function, after a change of teams"(asked) {
    const { random, caller, modelId } = asked;
    const before = await askFeed(pool, app, asked, assertHolds);
    await goOver(pool, random, caller.sub as string);
    const facts = await factsOf(pool, caller, modelId);
    const sight = await asCaller(caller, (client) => sightOf(client, facts));
    return before + (await askFeed(pool, app, { ...asked, ...sight, facts }, assertHolds));
  },
};

/** The rarer ones read whole tables. */
const turns = [
  ...Array(16).fill("retrieval"),
  ...Array(4).fill("a list made ahead"),
  ...Array(4).fill("similar posts"),
  ...Array(4).fill("similar people"),
  ...Array(3).fill("whom and what to follow"),
  ...Array(5).fill("what explains a feed"),
  ...Array(4).fill("answers where what is hidden is gone"),
  ...Array(4).fill("answers where nothing of the caller is read"),
  "what the engine keeps of posts",
  ...Array(4).fill("the function"),
  ...Array(4).fill("posts that the app names"),
  ...Array(2).fill("the function, after a change of teams"),
] as string[];
/** What is there for those who have not signed in. */
const turnsOfVisitors = ["retrieval", "retrieval", "what the engine keeps of posts", "the function"];
/** What has to do with wishes is asked along with every fourth of these. */
const turnsOfWishes = [
  "the function",
  ...Array(2).fill("the count of new posts"),
  ...Array(3).fill("what is promoted"),
] as string[];

test(`${requests} requests under random policies: nothing leaks, no page is short`, async () => {
  const answered = new Map<string, number>();
  let visited = 0;
  for (const community of communities) {
    const [random, wishes] = [new Random(1000 + community), new Random(2000 + community)];
    await clear(pool);
    await pool.query(
      "truncate recsys_engine.post_tags, public.memberships, recsys_engine.feature_changes, recsys_engine.embedding_jobs, recsys.erasures",
    );
    const modelId = await publishTinyModel(pool, { name: `community ${community}` });
    await changePolicies(pool, random);
    const people = await fillRandomCommunity(pool, random, modelId);
    await beginWishes(pool, wishes, people);
    const changes: string[] = [];
    for (let i = 0; i < requestsOfACommunity; i++) {
      for (let n = random.below(4); n > 0; n--) changes.push(await changeSomething(pool, random, people, modelId));
      if (wishes.below(3) === 0) changes.push(await changeWish(pool, wishes, people));
      const isVisitor = random.below(6) === 0;
      const asked = [{ random, isVisitor, kind: pick(random, isVisitor ? turnsOfVisitors : turns) }];
      if (wishes.below(4) === 0)
        asked.push({ random: wishes, isVisitor: wishes.below(6) === 0, kind: pick(wishes, turnsOfWishes) });
      for (const { random, isVisitor, kind } of asked)
        try {
          const size = await ask(random, people, modelId, kind, isVisitor);
          answered.set(kind, (answered.get(kind) ?? 0) + size);
          if (isVisitor) visited += size;
        } catch (error) {
          const where = `community ${community}, request ${i}: ${kind}; last changes: ${changes.slice(-5).join(", ")}`;
          throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
        }
    }
  }
  // a test of empty answers would find nothing
  assert.ok([...answered.values()].reduce((all, size) => all + size, 0) > requests, `${requests} requests`);
  if (isShort) return;
  for (const kind of Object.keys({ ...within, ...outside }))
    assert.ok((answered.get(kind) ?? 0) > requests / 10, `${kind}: ${answered.get(kind)}`);
  assertOccurred(occurred, requests);
  assert.ok(visited > requests / 10, `visitors: ${visited}`);
  assert.ok(ofFew > requests / 20, `retrievals of few posts: ${ofFew}`);
});

/** Asks as a user; returns how many posts were answered. */
async function ask(
  random: Random,
  people: string[],
  modelId: number,
  kind: string,
  isVisitor: boolean,
): Promise<number> {
  const sub = pick(random, people);
  const caller: PolicyCaller = isVisitor ? { role: "anon" } : { sub, role: "authenticated", ...tenantOf(sub) };
  const facts = await factsOf(pool, caller, modelId);
  const { asked, size } = await asCaller(caller, async (client) => {
    const { rows } = await client.query("select 1000 * extract(epoch from now())::double precision as now");
    const sight = await sightOf(client, facts);
    const asked: Asked = { random, caller, people, modelId, ...sight, facts, now: rows[0].now, occurred };
    return { asked, size: await within[kind]?.(asked, client) };
  });
  return size ?? (await outside[kind](asked));
}

/** What a plain select shows of posts. */
async function sightOf(
  client: pg.PoolClient,
  { unwanted }: Asked["facts"],
): Promise<Pick<Asked, "posts" | "originals">> {
  return { posts: await readable(client), originals: await originalsOf(client, unwanted) };
}

/** In a transaction of the caller's. */
async function asCaller<T>(caller: PolicyCaller, body: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return await rolledBack(async (client) => {
    await client.query("set transaction read only");
    await client.query("select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", [
      caller.role,
      JSON.stringify(caller),
    ]);
    return await body(client);
  });
}

/** In a transaction of the owner's of which nothing is left. */
async function rolledBack<T>(body: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    return await body(client);
  } finally {
    await client.query("rollback");
    client.release();
  }
}
