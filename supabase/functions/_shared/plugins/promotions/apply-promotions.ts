/**
 * Applies promotions to scores and to a page: factors before the page is built, fixed places after it, whichever
 * strategy built it.
 */

import type { BuiltPage, PromotedPlace } from "../../recommend/pipeline/types.ts";
import { type Page, servedPositions } from "../../recommend/request/cursor.ts";
import type { ScoredPost } from "../../recommend/scoring/score.ts";
import { createDuplicateIndex } from "../../recommend/selection/duplicates.ts";
import { compareScored } from "../../recommend/selection/selectable.ts";

/** A row of recsys.promotions with the posts of it that the reader may be shown; it has a place or a factor. */
export interface Promotion {
  promotion_id: number;
  name: string;
  place: number | null;
  factor: number | null;
  post_ids: string[];
}

/** By post, the factor that holds; of several that of the newest, which comes first. */
function factorsOf(promotions: Promotion[]): Map<string, PromotedPlace & { factor: number }> {
  const factors = new Map<string, PromotedPlace & { factor: number }>();
  for (const { promotion_id, name, factor, post_ids } of promotions)
    for (const id of post_ids)
      if (factor !== null && !factors.has(id)) factors.set(id, { id: promotion_id, name, factor });
  return factors;
}

/** The candidates with their scores times the factors. */
export function applyPromotionFactors(scored: ScoredPost[], promotions: Promotion[]): ScoredPost[] {
  const factors = factorsOf(promotions);
  return scored.map((each) => {
    const factor = factors.get(each.post.post_id)?.factor;
    // it looks up all else as before
    return factor === undefined ? each : Object.create(each, { score: { value: each.score * factor } });
  });
}

/** One place of a page, with all that is known of it. */
interface Place {
  selected: BuiltPage["selected"][number];
  why: BuiltPage["why"][number];
  /** null: neither. */
  credit?: NonNullable<BuiltPage["credits"]>[number] | undefined;
  promoted: PromotedPlace | null;
}

function pinnedIds(pins: Map<number, Place>): Set<string> {
  return new Set(
    [...pins.values()]
      .flatMap(({ selected: { chosen, folded = [] } }) => [chosen, ...folded])
      .map(({ post }) => post.post_id),
  );
}

/** What has no place on this page or a later one. */
export function withoutPinned(scored: ScoredPost[], { served }: Page, promotions: Promotion[]): ScoredPost[] {
  const isPinned = pinnedIds(pinsOf(scored, promotions, servedPositions(served)));
  const onlyPinnable = new Set(promotions.filter(({ place }) => place !== null).flatMap(({ post_ids }) => post_ids));
  const factors = factorsOf(promotions);
  const isBrought = ({ post_id, ranks }: ScoredPost["post"]) =>
    Object.values(ranks).some((rank) => rank !== null) || !onlyPinnable.has(post_id) || factors.has(post_id);
  return scored.filter(({ post }) => !isPinned.has(post.post_id) && isBrought(post));
}

/** The page with what has a fixed place on it, and with what else of it is promoted; what that leaves no place for comes on the next page. */
export function insertPinned(
  made: BuiltPage,
  scored: ScoredPost[],
  { limit, served }: Page,
  promotions: Promotion[],
): BuiltPage {
  const begin = servedPositions(served);
  const pins = pinsOf(scored, promotions, begin);
  const isPinned = pinnedIds(pins);
  const factors = factorsOf(promotions);
  const others = made.selected.flatMap((selected, i): Place[] => {
    const { post_id } = selected.chosen.post;
    if (isPinned.has(post_id)) return [];
    const { folded: all, ...rest } = selected;
    const left = all?.filter(({ post }) => !isPinned.has(post.post_id)) ?? [];
    return [
      {
        selected: left.length > 0 ? { ...rest, folded: left } : rest,
        why: made.why[i],
        credit: made.credits?.[i],
        promoted: factors.get(post_id) ?? null,
      },
    ];
  });
  // a place behind the end of the feed is at its end
  const isLast = others.length === 0 || made.candidates <= limit;
  const here = [...pins].filter(([place]) => isLast || place <= begin + limit).sort(([a], [b]) => a - b);
  const places: Place[] = [];
  while (places.length < limit && others.length + here.length > 0) {
    const isNext = here.length > 0 && (here[0][0] === begin + places.length + 1 || others.length === 0);
    places.push(isNext ? (here.shift() as (typeof here)[number])[1] : (others.shift() as Place));
  }
  return {
    ...made,
    candidates: made.candidates + isPinned.size,
    selected: places.map(({ selected }) => selected),
    why: places.map(({ why }) => why),
    promoted: places.map(({ promoted }) => promoted),
    ...(made.credits && { credits: places.map(({ credit }) => credit ?? null) }),
  };
}

/**
 * The place in the feed for each pin's best free post; a taken place moves it to the next. Of one conversation the
 * nearest pin keeps the post. Pins of earlier pages are over: their other posts are ranked like any other.
 */
function pinsOf(scored: ScoredPost[], promotions: Promotion[], begin: number): Map<number, Place> {
  const taken = new Set<string>();
  const bestOf = (postIds: string[]) => {
    const wanted = new Set(postIds);
    return scored.filter(({ post: { post_id } }) => wanted.has(post_id) && !taken.has(post_id)).sort(compareScored)[0];
  };
  const nearest = promotions.flatMap(({ place, ...promotion }) => {
    const chosen = place !== null && place > begin ? bestOf(promotion.post_ids) : undefined;
    if (place === null || !chosen) return [];
    taken.add(chosen.post.post_id);
    return { ...promotion, place, chosen };
  });
  nearest.sort((a, b) => a.place - b.place);
  const pins = new Map<number, Place>();
  const conversationOf = createDuplicateIndex(scored);
  const folded = new Set<ScoredPost>();
  for (const { promotion_id, name, place, post_ids, chosen: first } of nearest) {
    const chosen = folded.has(first) ? bestOf(post_ids) : first;
    if (!chosen) continue;
    // a pin has already said which post of its conversation leads
    const more = conversationOf(chosen).filter((post) => !folded.has(post));
    for (const post of more) {
      folded.add(post);
      taken.add(post.post.post_id);
    }
    taken.add(chosen.post.post_id);
    let free = place;
    while (pins.has(free)) free++;
    pins.set(free, {
      selected: { chosen, explored: false, drawn: false, propensity: null, ...(more.length > 0 && { folded: more }) },
      why: { kind: "promoted" },
      promoted: { id: promotion_id, name },
    });
  }
  return pins;
}
