/**
 * Team-draft interleaving (Radlinski, Kurup and Joachims, "How Does Clickthrough Data Reflect Retrieval Quality?", CIKM 2008): a coin says
 * who picks first in each round, and each ranking picks its best post that is left. A ranking's order includes the penalties of `select`.
 */
/** Of the first model or the second. */
export type Team = 1 | 2;

/** A place of a ranking: a page as `select` makes it. */
interface RankedPlace<Post> {
  chosen: Post;
  /** It is there because little is known of it. */
  explored: boolean;
  /** What is one conversation with it. */
  folded?: Post[];
}

/** A place of a drafted page. */
export interface Drafted<Post> extends RankedPlace<Post> {
  /** Whose ranking it is from. */
  by: Team;
  /** Whom it counts for; null: it is there to explore, or the other ranking had nothing left to pick. */
  team: Team | null;
}

interface Draftable {
  post: { post_id: string };
}

/** Whether the first ranking picks first in the round that begins at this place of the feed, from 1. */
export type Coin = (place: number) => boolean;

/** Explores once more, among the posts of a ranking that are not on the page yet; undefined: none of them is to be explored. */
export type Explore<Post> = (by: Team, isLeft: (post: Post) => boolean) => Post | undefined;

/** A page of at most `limit` posts from two rankings; `served`: how many the feed had before it. */
export function teamDraft<Post extends Draftable>(
  rankings: Record<Team, RankedPlace<Post>[]>,
  limit: number,
  coin: Coin,
  served = 0,
  explore: Explore<Post> = () => undefined,
): Drafted<Post>[] {
  const taken = new Set<string>();
  const page: Drafted<Post>[] = [];
  const picks = { 1: 0, 2: 0 };
  while (page.length < limit) {
    const next = place(turn());
    if (!next) break;
    for (const { post } of [next.chosen, ...(next.folded ?? [])]) taken.add(post.post_id);
    if (next.team) picks[next.team]++;
    page.push(next);
  }
  return page;

  function turn(): Team {
    if (picks[1] === picks[2]) return coin(served + page.length + 1) ? 1 : 2;
    return picks[1] < picks[2] ? 1 : 2;
  }

  function place(team: Team): Drafted<Post> | null {
    const other = team === 1 ? 2 : 1;
    const here = rankings[team][page.length];
    if (here?.explored) {
      // the other ranking may have placed it above by its score
      const chosen = isLeft(here) ? here.chosen : explore(team, (post) => isLeft({ chosen: post }));
      // neither ranking picks for a place to explore
      if (chosen) return { chosen, explored: true, by: team, team: null };
    }
    const own = rankings[team].find((each) => !each.explored && isLeft(each));
    const theirs = rankings[other].find((each) => !each.explored && isLeft(each));
    if (own) return { ...own, by: team, team: theirs ? team : null };
    if (theirs) return { ...theirs, by: other, team: null };
    for (const by of [team, other] as const) {
      const rest = rankings[by].find(isLeft);
      if (rest) return { ...rest, by, team: null };
    }
    return null;
  }

  function isLeft({ chosen, folded = [] }: Pick<RankedPlace<Post>, "chosen" | "folded">): boolean {
    return [chosen, ...folded].every(({ post }) => !taken.has(post.post_id));
  }
}

/** The coins of a feed: the same for the same seed, so that a cursor that is sent again brings the same page (the mixing of splitmix64). */
export function coinsOf(seed: bigint): Coin {
  return (place) => {
    let x = BigInt.asUintN(64, seed + BigInt(place) * 0x9e3779b97f4a7c15n);
    x = BigInt.asUintN(64, (x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
    x = BigInt.asUintN(64, (x ^ (x >> 27n)) * 0x94d049bb133111ebn);
    return ((x ^ (x >> 31n)) & 1n) === 1n;
  };
}
