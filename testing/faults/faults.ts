/** Faults that the tests must find, inserted one at a time by `npm run faults`: in feeds, features, the roll-up and row level security. */

/** `find`, which a file has once, becomes `put`. */
export interface Fault {
  /** The behaviour with the fault. */
  name: string;
  file: string;
  find: string;
  put: string;
}

const inFolder = (folder: string, ...faults: [name: string, file: string, find: string, put: string][]): Fault[] =>
  faults.map(([name, file, find, put]) => ({ name, file: `${folder}/${file}`, find, put }));

const recommend = inFolder(
  "supabase/functions/_shared/recommend",
  [
    "a negative weight counts for a post",
    "scoring/run-ranker.ts",
    "if (part < 0) loss -= part;",
    "if (part < 0) gain -= part;",
  ],
  ["the boost of kinds is left out", "scoring/run-ranker.ts", "if (boost) gain *= boost[i];", ""],
  [
    "topics that a reader wants less of come more often",
    "sources/retrieve.ts",
    "(has(tags, less) ? leaning : 1)",
    "(has(tags, less) ? 1 / leaning : 1)",
  ],
  [
    "followed authors are not known as such",
    "sources/retrieve.ts",
    "author_id !== null && followed.has(author_id)",
    "false",
  ],
  [
    "posts of muted authors may be common posts",
    "sources/retrieve.ts",
    "new Set([caller.sub, ...(answer.muted_authors ?? [])])",
    "new Set([caller.sub])",
  ],
  ["places of folded posts are counted", "request/cursor.ts", "return keys.length - folded;", "return keys.length;"],
  ["a cursor of another version is read", "request/cursor.ts", " || bytes.getUint8(0) !== version", ""],
  ["a feed goes on after its last page", "request/cursor.ts", "if (served.length >= maxServedPosts) return null;", ""],
  ["a page may have a post twice", "selection/select-page.ts", "    taken.add(chosen);\n", ""],
  [
    "a page is one too short",
    "selection/select-page.ts",
    "while (page.length < limit &&",
    "while (page.length < limit - 1 &&",
  ],
  ["the trial's place is one too late", "selection/exploration.ts", "position === place ?", "position === place + 1 ?"],
  ["old posts are under trial", "selection/exploration.ts", "if (post.created_at <= since) continue;", ""],
  ["a trial never ends", "selection/exploration.ts", "if (impressions >= enough) continue;", ""],
  [
    "an author draws for each of their posts",
    "selection/exploration.ts",
    "if (drew.has(post.author_id)) continue;",
    "",
  ],
  [
    "the newer post of a conversation leads",
    "selection/duplicates.ts",
    "other.created_at - post.created_at",
    "post.created_at - other.created_at",
  ],
  [
    "masked titles reveal which posts are one conversation",
    "selection/duplicates.ts",
    "!a.is_masked && !b.is_masked && isSame",
    "isSame",
  ],
  [
    "two people open the circuit breaker",
    "fallback/circuit-breaker.ts",
    "stalled.size < peopleInARow",
    "stalled.size < peopleInARow - 1",
  ],
  [
    "an author's share of a source is one more",
    "sources/author-cap.ts",
    "countOccurrence(counts, authorOf(place)) <= share",
    "countOccurrence(counts, authorOf(place)) <= share + 1",
  ],
);

const features = inFolder(
  "supabase/functions/_shared/features",
  ["a history counts its oldest post most", "history.ts", "weight *= historyDecay;", "weight /= historyDecay;"],
  ["the mean of a history is a sum", "history.ts", "if (total > 0) for", "if (total < 0) for"],
  ["hours may be negative", "hours.ts", "return Math.max(0, now - since) / hour;", "return (now - since) / hour;"],
  ["words of a history do not fade", "text-match.ts", "    weight *= textDecay;\n", ""],
  ["a repeated tag counts twice", "tag-match.ts", "return tags.indexOf(tags[t]) < t;", "return false;"],
  [
    "the nearest post of a history is the farthest",
    "history-match.ts",
    "best[i] = nearest[0];",
    "best[i] = nearest[nearest.length - 1];",
  ],
  [
    "a count keeps half of itself in two half-lives",
    "decay.ts",
    "0.5 ** (elapsed / halfLife)",
    "0.5 ** (elapsed / halfLife / 2)",
  ],
  [
    "topics come before people",
    "interleave-topics.ts",
    "byTurns([people, byTurns(topics)])",
    "byTurns([byTurns(topics), people])",
  ],
  [
    "a habit's idle time is its age",
    "recent-habit.ts",
    "logHours(last_active_at ?? created_at, at)",
    "logHours(created_at, at)",
  ],
);

const schemas = inFolder(
  "supabase/schemas",
  [
    "a reader's own posts are in their feed",
    "requests/feed_request.sql",
    "(posts.author_id = p_request.user_id) is not true",
    "true",
  ],
  [
    "excluded posts are in a feed",
    "requests/feed_request.sql",
    "      and posts.post_id not in (select unnest(p_request.excluded))\n",
    "",
  ],
  [
    "pages repeat what was served",
    "requests/feed_request.sql",
    "      and recsys_engine.served_key(posts.post_id, p_request.seed) not in (select unnest(p_request.served))\n",
    "",
  ],
  [
    "muted authors are in a feed",
    "requests/feed_request.sql",
    "(posts.author_id not in (select unnest(p_request.muted_authors))) is not false",
    "true",
  ],
  [
    "posts from the future are in a feed",
    "requests/feed_request.sql",
    "  where posts.created_at <= p_request.at\n",
    "  where true\n",
  ],
  [
    "withheld posts are shown",
    "requests/feed_request.sql",
    "not exists (select from recsys.source_withheld as withheld where withheld.author_id = posts.author_id)",
    "true",
  ],
  [
    "authors' own interactions count",
    "roll_up/roll_up_posts.sql",
    "where found.user_id is distinct from found.author_id",
    "where true",
  ],
  ["a person counts more than once", "roll_up/roll_up_posts.sql", "where numbered.number_of_kind = 1 and", "where"],
  [
    "participants are first interactions of any kind",
    "roll_up/roll_up_posts.sql",
    "count(*) filter (where events.is_first) over so_far",
    "count(*) over so_far",
  ],
  [
    "the latest state is the oldest",
    "roll_up/roll_up_posts.sql",
    "    where post_stats.post_id = late.post_id\n    order by post_stats.last_active_at desc, post_stats.interaction_id desc",
    "    where post_stats.post_id = late.post_id\n    order by post_stats.last_active_at, post_stats.interaction_id",
  ],
  [
    "people read lists of others",
    "batch/batch_recommendations.sql",
    'create policy "people read their own list" on recsys.batch_recommendations for select to authenticated using (user_id = (select auth.uid()));',
    'create policy "people read their own list" on recsys.batch_recommendations for select to authenticated using (true);',
  ],
  [
    "people read what others were shown",
    "impressions/impressions.sql",
    'create policy "people read which posts they were shown" on recsys.impressions for select to authenticated using (user_id = (select auth.uid()));',
    'create policy "people read which posts they were shown" on recsys.impressions for select to authenticated using (true);',
  ],
  [
    "people read what others dismissed",
    "app_views/dismissals.sql",
    'create policy "people read their own dismissals" on recsys.dismissals for select to authenticated using (user_id = (select auth.uid()));',
    'create policy "people read their own dismissals" on recsys.dismissals for select to authenticated using (true);',
  ],
);

export const faults: Fault[] = [...recommend, ...features, ...schemas];
