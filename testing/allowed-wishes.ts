/** For tests: what is promoted to a caller, what would be a repost to them, and which posts of a page are one conversation, worked out here from plain rows. */
import type { FeedFilter } from "../supabase/functions/_shared/recommend/request/feed-filter.ts";
import { type Asked, eligible, passes } from "./allowed-answers.ts";
import type { Client, PolicyPost } from "./random-policies.ts";

/** A promotion that is for the caller now, as its row says. */
export interface OpenPromotion {
  promotion_id: number;
  name: string;
  post_id: string | null;
  filter: FeedFilter | null;
  /** null: it has a factor. */
  place: number | null;
}

/** The caller's promotions, the newest first. Visitors, and users without personalisation, get those for all. */
export async function promotionsTo(owner: Client, { caller, facts }: Asked): Promise<OpenPromotion[]> {
  const sub = caller.sub !== undefined && facts.feed !== "impersonal" ? caller.sub : null;
  const { rows } = await owner.query(
    `select promotion_id::int, name, post_id, filter, place, people, per_person_and_day as most,
       (select count(distinct request_id)::int from recsys.impressions
        where user_id = $1 and impressions.promotion_id = promotions.promotion_id and shown_at > now() - interval '24 hours') as had
     from recsys.promotions where starts_at <= now() and ends_at > now() order by promotions.promotion_id desc limit 50`,
    [sub],
  );
  const { rows: known } = await owner.query(
    "select passions, extract(epoch from now() - created_at)::float / 86400 as days from public.profiles where id = $1",
    [sub],
  );
  const [person] = known;
  return rows.filter(({ people, most, had }) => {
    if (most !== null && (sub === null || had >= most)) return false;
    if (people === null) return true;
    if (!person) return false;
    const { user_ids, passions, signed_up_days } = people;
    const cares = (passion: string) =>
      person.passions.some((own: string) => own.toLowerCase() === passion.toLowerCase());
    return (
      (!user_ids || user_ids.includes(sub)) &&
      (!passions || passions.some(cares)) &&
      (!signed_up_days || person.days < signed_up_days)
    );
  });
}

/** Whether a promotion is of the post. */
export function isOf({ post_id, filter }: OpenPromotion, post: PolicyPost, now: number): boolean {
  return post_id === null ? passes(filter, post, now) : post_id === post.id;
}

/** What of a promotion the caller may be shown: who pins a post means it to stay when it was seen. */
export function promotable(asked: Asked, promotion: OpenPromotion, filter: FeedFilter | null): PolicyPost[] {
  const leftOut = promotion.place === null ? asked.facts.excluded : asked.facts.known;
  return eligible(asked, filter, leftOut).filter((post) => isOf(promotion, post, asked.now));
}

/** The words of a title, whatever its capital letters, accents and signs; null: they are fewer than two, or of fewer than four letters, which says too little. */
export function wordsOfTitle(title: string): string | null {
  const plain = title.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const found = plain.match(/[\p{L}\p{N}]+/gu) ?? [];
  return found.length > 1 && found.join("").length >= 4 ? found.join(" ") : null;
}

/** Tells whether a post is one conversation with something that the caller may read and wants no reposts of. */
export function repostsTo({ originals }: Asked): (post: PolicyPost) => boolean {
  const titles = new Set(originals.map(({ title }) => wordsOfTitle(title)));
  const links = new Set(originals.map(linkOf));
  return (post) =>
    (!post.is_masked && [wordsOfTitle(post.title)].some((words) => words !== null && titles.has(words))) ||
    [linkOf(post)].some((link) => link !== undefined && links.has(link));
}

/** The link that a text begins with. */
export function linkOf({ description }: Pick<PolicyPost, "description">): string | undefined {
  return /^\s*(https?:\/\/[^\s<>"]+)/.exec(description)?.[1];
}

/** Whether two posts have the same words in their titles. A mask in place of a title has none. */
export function haveOneTitle(a: PolicyPost, b: PolicyPost): boolean {
  const words = wordsOfTitle(a.title);
  return words !== null && !a.is_masked && !b.is_masked && words === wordsOfTitle(b.title);
}

/** Whether two posts, with the titles that a page has of them, are one conversation. */
export function isOneConversation(a: PolicyPost, b: PolicyPost): boolean {
  const link = linkOf(a);
  return (link !== undefined && link === linkOf(b)) || haveOneTitle(a, b);
}
