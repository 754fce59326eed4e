/** For tests: posts that an app names, under the policies of the moment. */
import assert from "node:assert/strict";
import type { Feed } from "../supabase/functions/_shared/recommend/request/feed-schema.ts";
import type { TestApp } from "../supabase/functions/testing.ts";
import { type Asked, isMuted, passes } from "./allowed-answers.ts";
import { assertTitles } from "./asked-feeds.ts";
import type { Client } from "./random-policies.ts";
import { anyFilter, pick } from "./random-values.ts";

/** Names any posts, readable or not: what is answered is all of them that may be, and no more is counted. Returns how many. */
export async function askNamed(
  owner: Client,
  app: TestApp<Feed>,
  asked: Asked,
  assertHolds: (answered: string[], expected: { id: string }[], least: number, what: string) => void,
): Promise<number> {
  const { random, caller, people, posts, facts, now } = asked;
  const filter = anyFilter(random, people);
  const { rows } = await owner.query("select id from public.posts order by md5(id::text || $1) limit $2", [
    random.below(1e9),
    pick(random, [5, 100, 1000]),
  ]);
  const candidates = rows.map(({ id }) => id);
  const request = { candidates, limit: 100, ...(filter && { filter }) };
  const { status, body } = await (caller.sub ? app.call(caller.sub, request) : app.visit(request));
  await app.settled();
  assert.equal(status, 200, JSON.stringify(body));
  const named = new Set(candidates);
  // what they know and wrote themselves is not left out of what they looked for
  const expected = posts.filter((post) => named.has(post.id) && !isMuted(facts, post) && passes(filter, post, now));
  assertTitles(asked, body.items, `named ${JSON.stringify(filter)}`);
  const answered = body.items.map(({ post_id }) => post_id);
  assertHolds(answered, expected, 100, `named ${JSON.stringify(filter)}`);
  assert.equal(body.next !== null, expected.length > 100, "whether more is left counts what they may read");
  return body.items.length;
}
