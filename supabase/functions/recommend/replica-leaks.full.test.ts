/**
 * Feeds by a replica that is behind show no post that their reader can no longer read, mutes or interacted with, and are as long as both allow.
 * Random communities and policies; the replica pauses at times. SOAK sets the requests: 100 by default, 2,000 in `npm run test:soak`.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type pg from "pg";
import { connect } from "../../../db/connect.ts";
import { withoutCluster } from "../../../db/testing-cluster.ts";
import { type Replicated, replicatedDatabase } from "../../../db/testing-replica.ts";
import { type Asked, eligible, factsOf } from "../../../testing/allowed-answers.ts";
import { isOneConversation, repostsTo } from "../../../testing/allowed-wishes.ts";
import { assertTitles } from "../../../testing/asked-feeds.ts";
import { clear, publishTinyModel } from "../../../testing/community.ts";
import {
  addTenants,
  changePolicies,
  changeSomething,
  fillRandomCommunity,
  originalsOf,
  type PolicyCaller,
  type PolicyPost,
  readable,
} from "../../../testing/random-policies.ts";
import { anyFilter, pick } from "../../../testing/random-values.ts";
import { beginWishes, changeWish } from "../../../testing/random-wishes.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { publishableKey } from "../testing.ts";
import { testApp } from "./testing.ts";

const requests = Number(process.env.SOAK ?? 100);
const requestsOfACommunity = 50;
const skip = await withoutCluster();
const tenantOf = (user: string) =>
  user.endsWith("0") ? {} : { tenant: ["north", "south", "east"][Number(user.at(-1)) % 3] };

test(`${requests} feeds by a replica that lags: nothing leaks, no page is short`, { skip }, async (t) => {
  const setting = await replicatedDatabase({ after });
  const { database, replica, url, readUrl } = setting;
  const { pool } = database;
  await addTenants(pool);
  const atReplica = await connect(`${replica.url}?sslmode=disable`, { embedded: false });
  after(() => atReplica.close());
  // however far behind: here it is the last check that matters
  const app = testApp(t, url, { claims: tenantOf, replica: { url: readUrl, behind: Number.POSITIVE_INFINITY } });
  /** Feeds by the replica; of these, from one that had stopped; posts on them, posts that were hidden meanwhile, posts named as reasons, and titles that their reader may not read. */
  const counts = { all: 0, stopped: 0, posts: 0, hidden: 0, reasons: 0, masked: 0 };
  for (let community = 0; community * requestsOfACommunity < requests; community++) {
    const random = new Random(3000 + community);
    await clear(pool);
    await pool.query("truncate recsys_engine.post_tags, public.memberships");
    const modelId = await publishTinyModel(pool, { name: `community ${community}` });
    await changePolicies(pool, random);
    const people = await fillRandomCommunity(pool, random, modelId);
    await beginWishes(pool, random, people);
    await replica.caughtUp();
    let stopped = false;
    const changes: string[] = [];
    const left = Math.min(requestsOfACommunity, requests - community * requestsOfACommunity);
    for (let i = 0; i < left; i++) {
      if (random.below(4) === 0) {
        stopped = !stopped;
        await (stopped ? replica.pause() : replica.resume());
        if (!stopped) await replica.caughtUp();
      }
      for (let n = random.below(4); n > 0; n--) changes.push(await changeSomething(pool, random, people, modelId));
      if (random.below(3) === 0) changes.push(await changeWish(pool, random, people));
      const sub = pick(random, people);
      const caller: PolicyCaller =
        random.below(6) === 0 ? { role: "anon" } : { sub, role: "authenticated", ...tenantOf(sub) };
      if (!stopped) await replica.caughtUp();
      const atReplicaNow = await asCaller(atReplica.pool, caller, readable);
      const request = anyRequest(random, people, atReplicaNow);
      try {
        if (stopped) {
          // what is on their page leaves it
          const { feed } = await answer(caller, request);
          const ofPage = new Set(feed.items.flatMap(({ post_id, why }) => [post_id, ...namedBy(why)]));
          for (const post of [...ofPage].filter(() => random.below(3) === 0))
            changes.push(await takeAway(pool, random, caller, post));
        }
        const asked = { ...(await askedOf(setting, caller, modelId)), random, people, modelId };
        const { rows } = await asCaller(pool, caller, (client) => client.query("select id from public.posts"));
        // posts dated ahead are in no feed, but their readers may have interacted with them
        const nowReadable = new Set<string>(rows.map(({ id }) => id));
        await ask(asked, request, { atReplicaNow, nowReadable }, stopped);
      } catch (error) {
        const where = `community ${community}, request ${i}, ${stopped ? "behind" : "not behind"}: ${changes.slice(-8).join(", ")}`;
        throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
      }
    }
    if (stopped) await replica.resume();
    await app.settled();
  }
  if (process.env.SOAK) console.error(counts);
  // a test of feeds by the primary, or of a replica that had it all, would find nothing
  assert.ok(counts.all > requests / 2, `${counts.all} feeds by the replica`);
  assert.ok(counts.stopped > requests / 8, `${counts.stopped} feeds by a replica that had stopped`);
  assert.ok(counts.posts > requests, `${counts.posts} posts`);
  assert.ok(counts.reasons > requests / 12, `${counts.reasons} reasons that name a post`);
  assert.ok(counts.masked > requests / 4, `${counts.masked} titles that their reader may not read`);
  assert.ok(counts.hidden > requests / 4, `${counts.hidden} posts were hidden after the replica had stopped`);

  /** The answer to a user, and whether the replica found its posts. */
  async function answer(caller: PolicyCaller, { limit, filter, named }: FeedAsked) {
    const body = JSON.stringify({ limit, ...(filter && { filter }), ...(named && { candidates: named }) });
    const headers: Record<string, string> = caller.sub
      ? { authorization: `Bearer ${caller.sub}` }
      : { apikey: publishableKey };
    const response = await app.request("/recommend", { method: "POST", headers, body });
    const feed = (await response.json()) as Feed;
    const what = JSON.stringify({ filter, limit, named: named?.length });
    assert.equal(response.status, 200, `${what}: ${JSON.stringify(feed)}`);
    // when a policy fails on a row, or a replica, the log would say so
    assert.deepEqual(
      app.logged.splice(0).filter(({ code }) => code !== "conversations_failed"),
      [],
      what,
    );
    assert.equal(feed.degraded, null, what);
    const isByReplica = response.headers.get("server-timing")?.includes("last_check") ?? false;
    return { feed, isByReplica, what };
  }

  async function ask(
    asked: Asked,
    request: FeedAsked,
    { atReplicaNow, nowReadable }: { atReplicaNow: PolicyPost[]; nowReadable: Set<string> },
    stopped: boolean,
  ): Promise<void> {
    const { limit, filter, named } = request;
    const { feed, isByReplica, what } = await answer(asked.caller, request);
    // what they know and wrote themselves is not left out of what they looked for; what was only seen may be pinned
    const seen = named
      ? {
          ...asked,
          caller: { role: "anon" } as const,
          facts: { ...asked.facts, excluded: new Set<string>(), withheld: new Set<string>() },
        }
      : asked;
    const inNamed = ({ id }: PolicyPost) => named?.includes(id) ?? true;
    const may = new Set(
      eligible(seen, filter)
        .filter(inNamed)
        .map(({ id }) => id),
    );
    const pinnable = new Set(named ? [] : eligible(asked, filter, asked.facts.known).map(({ id }) => id));
    const ids = feed.items.map(({ post_id }) => post_id);
    assert.deepEqual(
      feed.items.filter(({ post_id, why }) => !may.has(post_id) && !(why.kind === "promoted" && pinnable.has(post_id))),
      [],
      `${what}: must not be shown`,
    );
    assert.equal(new Set(ids).size, ids.length, `${what}: each once`);
    assertTitles(asked, feed.items, what);
    counts.masked += asked.occurred.get("titles that their reader may not read") ?? 0;
    const reasons = feed.items.flatMap(({ why }) => namedBy(why));
    counts.reasons += reasons.length;
    assert.deepEqual(
      reasons.filter((id) => !nowReadable.has(id)),
      [],
      `${what}: named as a reason`,
    );
    const folded = feed.items.reduce((sum, { folded = 0 }) => sum + folded, 0);
    assert.ok(ids.length + folded <= new Set([...may, ...pinnable]).size, `${what}: ${folded} are folded`);
    if (!isByReplica) return;
    counts.all++;
    counts.posts += ids.length;
    if (!stopped) return;
    counts.stopped++;
    counts.hidden += atReplicaNow.filter(({ id }) => !nowReadable.has(id)).length;
    // by what either knows of it, there are as many
    const before = new Set(eligible({ ...seen, posts: atReplicaNow }, filter).map(({ id }) => id));
    const isRepost = named || asked.facts.feed !== "personal" ? () => false : repostsTo(asked);
    const isLeft = (post: PolicyPost) => !isRepost(post);
    const both = asked.posts.filter((post) => may.has(post.id) && before.has(post.id) && isLeft(post));
    const stale = atReplicaNow.filter(({ id }) => both.some((post) => post.id === id));
    // of one conversation there is one
    const parts = [...both, ...stale];
    const least = both.filter(
      (post) =>
        !parts.some((other) => other.id !== post.id && isOneConversation(other, post)) &&
        stale.every((other) => other.id !== post.id || isLeft(other)),
    ).length;
    assert.ok(ids.length >= Math.min(limit, least), `${what}: ${ids.length} of ${least}`);
  }
});

/** The post of the reader's history by which a reason explains another. */
function namedBy(why: Feed["items"][number]["why"]): string[] {
  return why.kind === "like_your_history" ? [why.post_id] : [];
}

interface FeedAsked {
  limit: number;
  filter: ReturnType<typeof anyFilter>;
  /** The posts that the app names; undefined: it names none. */
  named: string[] | undefined;
}

function anyRequest(random: Random, people: string[], posts: PolicyPost[]): FeedAsked {
  const [filter, limit] = [anyFilter(random, people), pick(random, [1, 5, 20, 20, 100])];
  const ids = posts.map(({ id }) => id).filter(() => random.below(2) === 0);
  return { filter, limit, named: random.below(6) === 0 && ids.length > 0 ? ids : undefined };
}

/** Removes a post from the feed of one user or of all; says how. */
async function takeAway(pool: pg.Pool, random: Random, { sub }: PolicyCaller, post: string): Promise<string> {
  const ways: Record<string, [sql: string, ...values: unknown[]]> = {
    deleted: ["delete from public.posts where id = $1", post],
    "hidden from all": [
      "update public.posts set visibility = 'private', tenant = 'nobody''s', team = 'nobody''s', visible_until = '2001-01-01' where id = $1",
      post,
    ],
    ...(sub && {
      viewed: ["insert into public.post_views (user_id, post_id, created_at) values ($1, $2, now())", sub, post],
      "voted for": [
        "insert into public.post_votes (user_id, post_id, created_at) values ($1, $2, now()) on conflict do nothing",
        sub,
        post,
      ],
      dismissed: ["insert into recsys.dismissals values ($1, $2, now()) on conflict do nothing", sub, post],
      "author blocked": [
        "insert into public.mutes (user_id, kind, value) select $1, 'person', author_id from public.posts where id = $2 and author_id is not null on conflict do nothing",
        sub,
        post,
      ],
      "topic muted": [
        "insert into public.mutes (user_id, kind, value) select $1, 'topic', tag from public.posts cross join unnest(tags) as tag where id = $2 on conflict do nothing",
        sub,
        post,
      ],
      "edited into a muted word": [
        "with muted as (insert into public.mutes (user_id, kind, value) values ($1, 'word', 'unheard') on conflict do nothing) update public.posts set title = 'an unheard thing' where id = $2",
        sub,
        post,
      ],
    }),
  };
  const name = pick(random, Object.keys(ways));
  const [sql, ...values] = ways[name];
  await pool.query(sql, values);
  return `${post} ${name}`;
}

/** What decides what may be answered, as the primary has it. */
async function askedOf({ database: { pool } }: Replicated, caller: PolicyCaller, modelId: number) {
  const facts = await factsOf(pool, caller, modelId);
  const originals = await asCaller(pool, caller, (client) => originalsOf(client, facts.unwanted));
  const posts = await asCaller(pool, caller, readable);
  return { caller, facts, posts, originals, now: Date.now(), occurred: new Map<string, number>() };
}

/** In a transaction of the caller's. */
async function asCaller<T>(
  pool: pg.Pool,
  caller: PolicyCaller,
  body: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("begin read only");
    await client.query("select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", [
      caller.role,
      JSON.stringify(caller),
    ]);
    return await body(client);
  } finally {
    await client.query("rollback");
    client.release();
  }
}
