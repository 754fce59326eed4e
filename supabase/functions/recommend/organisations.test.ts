/**
 * A user who may read few posts gets candidates from these: the same with the same ranks as from all sources, at
 * their cost alone. The strategy that worked is remembered, and never decides which posts are shown.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { publishVectors, unitVectors } from "../../../trainer/data/replay/testing.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import { vectorAt } from "../../../trainer/models/nn/vector-at.ts";
import type { Connection } from "../_shared/database/database.ts";
import { openPool } from "../_shared/database/pool.ts";
import { readAs } from "../_shared/database/run-as-caller.ts";
import { noSpan } from "../_shared/http/span.ts";
import { readContext } from "../_shared/recommend/context/read-context.ts";
import type { PostCandidate } from "../_shared/recommend/context/user-state.ts";
import { emptyServedState, type Page } from "../_shared/recommend/request/cursor.ts";
import { createGlobalCandidatesCache } from "../_shared/recommend/sources/global-candidates.ts";
import { startRetrieval } from "../_shared/recommend/sources/start-retrieval.ts";
import { createStrategyMemory } from "../_shared/recommend/sources/strategy-memory.ts";
import { fillManyPosts } from "./testing-many-posts.ts";

const { pool, url } = await testDatabase({ after }, "organisations");
const random = new Random(1);

const { posts, people } = await fillManyPosts(pool);
const modelId = await publishVectors({ pool }, posts, unitVectors(random, posts.length));
await pool.query("select recsys.activate_model($1)", [modelId]);
// 30 organisations of 40 posts; the last person is in none of them and may read what belongs to none
await pool.query(`
  alter table public.posts add column organisation integer;
  update public.posts set organisation = ('x' || substr(md5(id::text), 1, 7))::bit(28)::integer % 30;
  create index on public.posts (organisation);
  create table public.members (user_id uuid primary key, organisation integer not null);
  insert into public.members select id, row_number() over (order by id) % 30 from public.profiles;
  grant select on public.members to authenticated;
  drop policy "public posts and one's own are readable" on public.posts;
  create policy "those of one's organisation" on public.posts for select to authenticated
    using (organisation = (select organisation from public.members where members.user_id = (select auth.uid())));
  analyze`);
const [member, other] = people;
const connections = openPool(url, () => undefined);
after(() => connections.end());

const anyVector = () => vectorAt(unitVectors(random, 1), 0);

/** A user's candidates as a worker that keeps `common` finds them, sorted, and how often it asked for them. */
async function candidatesFor(sub: string, common = createGlobalCandidatesCache(), filter?: Page["filter"]) {
  const caller = { sub, role: "authenticated" };
  return await readAs(connections, caller, readContext(sub), async (connection, [row]) => {
    let asked = 0;
    const listened: Connection = {
      query(text, values) {
        asked += Number(text.includes("recsys_engine.feed_candidates("));
        return connection.query(text, values);
      },
      release: () => undefined,
    };
    const page = { limit: 20, served: emptyServedState(), ...(filter && { filter }) };
    const { posts: found } = await startRetrieval(listened, common, caller, row, page, noSpan)(vectorAt(vector, 0));
    return { found: found.map(comparable).sort((a, b) => (a.post_id < b.post_id ? -1 : 1)), asked };
  });
}
const vector = anyVector();
/** Without what another feed has another of. */
const comparable = ({ post_id, title, ranks, state, author_affinity }: PostCandidate) => ({
  post_id,
  title,
  ranks,
  state,
  author_affinity,
});

/**
 * What the sources find for a user, each by a walk of its own or in the readable posts; and how many pages of the
 * database that takes.
 */
async function retrieved(sub: string, mayBeFew: boolean) {
  const client = await pool.connect();
  try {
    await client.query("begin read only");
    await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ sub, role: "authenticated" }),
    ]);
    const request = "recsys_engine.with_affinities(recsys_engine.feed_request($1, now()))";
    const values = [sub, modelId, JSON.stringify([...vector]), mayBeFew];
    const text = `select found.post_id, found.ranks from (select recsys_engine.with_prefiltered_pool(${request}, $2, $3::text::extensions.vector, $4) as request offset 0) as asked
      cross join recsys_engine.hydrate_ranked_posts(asked.request, recsys_engine.ranked_posts(asked.request, $2, $3::text::extensions.vector)) as found order by post_id`;
    const { rows } = await client.query(text, values);
    const explained = await client.query(`explain (analyze, buffers, format json) ${text}`, values);
    const [{ Plan: plan }] = explained.rows[0]["QUERY PLAN"];
    return { rows, pages: plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] };
  } finally {
    await client.query("rollback");
    client.release();
  }
}

test("the sources bring what they bring on walks of their own, and read a fifth of it", async () => {
  for (const sub of people.slice(0, 10)) {
    const [few, walked] = [await retrieved(sub, true), await retrieved(sub, false)];
    assert.ok(few.rows.length > 15);
    assert.deepEqual(few.rows, walked.rows);
    assert.ok(few.pages < walked.pages / 5, `${few.pages} pages instead of ${walked.pages}`);
  }
});

test("a worker remembers who may read few posts, and takes others for such, until somebody is not", async () => {
  const common = createGlobalCandidatesCache();
  const first = await candidatesFor(member, common);
  assert.deepEqual(first.found, (await candidatesFor(member)).found);
  assert.equal(first.asked, 2);
  assert.deepEqual(await candidatesFor(member, common), { ...first, asked: 1 });
  assert.equal((await candidatesFor(other, common)).asked, 1);
  const filter = { max_age_days: 20 };
  const filtered = await candidatesFor(member, common, filter);
  assert.deepEqual(
    filtered.found.map(({ post_id }) => post_id),
    (await candidatesFor(member, undefined, filter)).found.map(({ post_id }) => post_id),
  );
  assert.ok(filtered.found.length > 3 && filtered.found.length < first.found.length);
});

test("whoever goes over to another organisation has its posts in the next feed and no other", async () => {
  const common = createGlobalCandidatesCache();
  const before = await candidatesFor(member, common);
  const theirs = await candidatesFor(other, common);
  await pool.query(
    "update public.members set organisation = (select organisation from public.members where user_id = $2) where user_id = $1",
    [member, other],
  );
  const after = await candidatesFor(member, common);
  const ids = ({ found }: typeof after) => found.map(({ post_id }) => post_id);
  const inCommon = (all: typeof after) => ids(after).filter((id) => ids(all).includes(id)).length;
  assert.equal(inCommon(before), 0);
  assert.ok(inCommon(theirs) > 15);
  // and a user who may read everything at once
  await pool.query(`create policy "everything" on public.posts for select to authenticated using (true)`);
  const everything = await candidatesFor(member, common);
  assert.ok(everything.found.length > 350);
  assert.deepEqual(everything.found, (await candidatesFor(member)).found);
  // what is common did for them, and for others it is tried first
  assert.equal((await candidatesFor(other, common)).asked, 1);
  await pool.query(`drop policy "everything" on public.posts`);
  assert.deepEqual(ids(await candidatesFor(member, common)), ids(after));
});

test("where what is common did for none of three people, it is asked for one in eight, until it does", () => {
  const ways = createStrategyMemory(() => 0);
  for (const sub of ["ada", "ada", "ada", "ben"]) ways.keep(sub, "all");
  assert.equal(ways.guess(), "common");
  ways.keep("cid", "all");
  const guesses = Array.from({ length: 16 }, () => ways.guess());
  assert.deepEqual(
    guesses.flatMap((guess, n) => (guess === "all" ? [] : n)),
    [7, 15],
  );
  ways.keep("dan", "common");
  assert.equal(ways.guess(), "common");
});

test("which way did is remembered for five minutes", () => {
  let now = 0;
  const ways = createStrategyMemory(() => now);
  assert.equal(ways.guess(), "common");
  ways.keep("ada", "few");
  ways.keep("ben", "all");
  assert.deepEqual(
    [ways.of("ada"), ways.of("ben"), ways.of(undefined), ways.guess()],
    ["few", "all", undefined, "few"],
  );
  now = 300_000;
  assert.equal(ways.of("ada"), undefined);
  for (let n = 0; n < 30_000; n++) ways.keep(`person ${n}`, "common");
  assert.deepEqual([ways.of("ada"), ways.of("person 29999"), ways.guess()], [undefined, "common", "common"]);
});
