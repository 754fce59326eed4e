/** For tests: what an answer to a caller may hold under the policies of the moment, worked out here from plain rows. */
import { folded } from "../supabase/functions/_shared/features/words.ts";
import type { FeedFilter } from "../supabase/functions/_shared/recommend/request/feed-filter.ts";
import type { Random } from "../trainer/models/nn/random.ts";
import type { Client, Original, PolicyCaller, PolicyPost } from "./random-policies.ts";

/** A user's question, with all that decides which answers are allowed. */
export interface Asked {
  random: Random;
  caller: PolicyCaller;
  people: string[];
  modelId: number;
  /** What a plain select shows the caller. */
  posts: PolicyPost[];
  facts: Facts;
  /** Of these they want no reposts, as far as a plain select shows them. */
  originals: Original[];
  /** In milliseconds. */
  now: number;
  /** How often what a test is for occurred, by its name (occurred.ts). */
  occurred: Map<string, number>;
}

/** Facts about a caller that only the owner of the database knows. */
export interface Facts {
  excluded: Set<string>;
  /** Of these what they interacted with or dismissed: what was only seen may be pinned. */
  known: Set<string>;
  /** The posts whose reposts they do not want: dismissed within 14 days, or all that they interacted with, dismissed or saw. */
  unwanted: Set<string>;
  mutes: { kind: string; value: string }[];
  list: string[];
  /** Ids of posts, and of authors, that are for followers alone. */
  withheld: Set<string>;
  /** What the caller's feed is made of, and the authors and topics that they follow, topics in small letters. */
  feed: string;
  followed: { people: Set<string>; topics: Set<string> };
  embedded: Set<string>;
  /** People who have a vector. */
  placed: Set<string>;
}

export async function factsOf(owner: Client, { sub }: PolicyCaller, modelId: number): Promise<Facts> {
  const { rows } = await owner.query(
    `select
       array(
         select post_id from public.post_views where user_id = $1 union select post_id from public.post_votes where user_id = $1
         union select post_id from public.comments where user_id = $1 union select post_id from recsys.dismissals where user_id = $1
       )::text[] as known,
       array(select post_id from recsys.impressions where user_id = $1 and seen_at is not null)::text[] as seen,
       exists (select from public.preferences where user_id = $1 and kind = 'hide') as hides,
       (select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'value', value)), '[]') from public.mutes where user_id = $1) as mutes,
       coalesce((select value from public.preferences where user_id = $1 and kind = 'feed'), 'personal') as feed,
       array(select target from public.follows where user_id = $1 and kind = 'person') as people,
       array(
         select lower(target) from public.follows where user_id = $1 and kind <> 'person'
         union (
           select lower(value) from public.preferences where user_id = $1 and kind = 'more'
           except select lower(value) from public.preferences where user_id = $1 and kind = 'less'
         )
       ) as topics,
       array(select coalesce(post_id, author_id) from public.withheld)::text[] as withheld,
       array(select post_id from recsys.dismissals where user_id = $1)::text[] as dismissed,
       array(
         select post_id from recsys.source_dismissals
         where user_id = $1 and created_at > now() - interval '14 days' and created_at <= now()
       )::text[] as lately,
       coalesce(
         (
           select post_ids::text[] from recsys.batch_recommendations
           where user_id = $1 and not exists (select from public.preferences where user_id = $1)
         ),
         '{}'
       ) as list,
       array(select post_id from recsys.post_embeddings where model_id = $2)::text[] as embedded,
       array(select user_id from recsys.user_embeddings where model_id = $2 except select user_id from public.preferences where value = 'impersonal')::text[] as placed`,
    [sub ?? null, modelId],
  );
  const [{ known, seen, hides, dismissed, lately, mutes, list, withheld, feed, people, topics, embedded, placed }] =
    rows;
  const leftOut: Record<string, string[]> = { following: dismissed, impersonal: [] };
  return {
    excluded: new Set(leftOut[feed] ?? [...known, ...seen]),
    known: new Set(leftOut[feed] ?? known),
    unwanted: new Set(feed !== "personal" ? [] : hides ? [...known, ...seen] : lately),
    ...{ mutes, list, feed },
    withheld: new Set(withheld),
    followed: { people: new Set(feed === "impersonal" ? [] : people), topics: new Set(topics) },
    embedded: new Set(embedded),
    placed: new Set(placed),
  };
}

/** Whether the post is withheld from who follows these. */
export function isWithheld(
  { withheld }: Facts,
  { id, author_id }: Pick<PolicyPost, "id" | "author_id">,
  followed: ReadonlySet<string> = new Set(),
): boolean {
  const author = author_id ?? "";
  return !followed.has(author) && (withheld.has(id) || withheld.has(author));
}

/** The posts that may be in the caller's feed, of those that a plain select shows them; `leftOut`: without these. */
export function eligible(
  { posts, facts, caller, now }: Asked,
  filter: FeedFilter | null,
  leftOut: ReadonlySet<string> = facts.excluded,
): PolicyPost[] {
  return posts.filter(
    (post) =>
      (caller.sub === undefined || post.author_id !== caller.sub) &&
      !leftOut.has(post.id) &&
      !isMuted(facts, post) &&
      !isWithheld(facts, post, facts.followed.people) &&
      passes(filter, post, now),
  );
}

/** Whether a caller muted the post. */
export function isMuted(
  { mutes }: Pick<Facts, "mutes">,
  { author_id, title, tags, description }: Pick<PolicyPost, "author_id" | "title" | "tags" | "description">,
): boolean {
  const text = folded([title, ...tags].join("\n"));
  return mutes.some(({ kind, value }) => {
    if (kind === "person") return value === author_id;
    if (/contains/.test(kind))
      return (kind === "contains" ? [title, description] : [title]).some((text) =>
        text.toLowerCase().includes(value.toLowerCase()),
      );
    if (kind === "topic") return tags.some((tag) => tag.toLowerCase() === value.toLowerCase());
    return hasWord(text, folded(value).trim());
  });
}

/** Whether the word stands in the text with neither letter nor digit next to it. Any space is as good as another within a line. */
function hasWord(text: string, word: string): boolean {
  const [spaced, wanted] = [text.replaceAll(/ +/g, " "), word.replaceAll(/ +/g, " ")];
  const isLetter = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}\p{M}]/u.test(character);
  for (let at = spaced.indexOf(wanted); at >= 0; at = spaced.indexOf(wanted, at + 1))
    if (!isLetter(spaced[at - 1]) && !isLetter(spaced[at + wanted.length])) return true;
  return false;
}

/** Whether the post is what a filter asks for, at an instant in milliseconds. */
export function passes(filter: FeedFilter | null, post: PolicyPost, now: number): boolean {
  if (!filter) return true;
  const { tags, author_ids, max_age_days, languages } = filter;
  const wanted = tags?.map((tag) => tag.toLowerCase());
  return (
    (!wanted || post.tags.some((tag) => wanted.includes(tag.toLowerCase()))) &&
    (!author_ids || author_ids.includes(post.author_id ?? "")) &&
    (!languages || languages.includes(post.language ?? "")) &&
    (!max_age_days || post.created_at >= now - max_age_days * 86_400_000)
  );
}
