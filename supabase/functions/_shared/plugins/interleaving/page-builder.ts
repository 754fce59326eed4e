/** Makes one page of two models' rankings. */
import type { Log } from "../../http/log.ts";
import { userState } from "../../recommend/context/user-state.ts";
import type { UnrankablePost } from "../../recommend/filters/unrankable.ts";
import { hydratePosts } from "../../recommend/hydration/hydrate-posts.ts";
import { selectBest } from "../../recommend/page/build-page.ts";
import { explainPage } from "../../recommend/page/explain-page.ts";
import type { BuiltPage, PageBuilder, RankingInputs } from "../../recommend/pipeline/types.ts";
import { type Page, servedPositions } from "../../recommend/request/cursor.ts";
import type { Reason } from "../../recommend/request/feed-schema.ts";
import { headWeights } from "../../recommend/request/feed-settings.ts";
import { type ScoredPost, scoreWithModel } from "../../recommend/scoring/score.ts";
import type { Exploration } from "../../recommend/selection/exploration.ts";
import { SecondModelError, type SecondModelInputs, secondModel, secondModelId } from "./second-model.ts";
import { coinsOf, type Team, teamDraft } from "./team-draft.ts";

/** Makes the page where an experiment compares two models in one feed. Where the second fails the first makes it alone. */
export const interleavedPageBuilder: PageBuilder = {
  async prepare({ connection, reader, page, found, span }, services) {
    const id = secondModelId(found.context);
    if (id === null) return null;
    const { log } = services;
    const ended = span("second_model");
    const second = await secondModel(connection, services, reader, found, id, page).catch((error) => {
      if (!(error instanceof SecondModelError)) throw error;
      log("chosen_model_failed", error);
      return null;
    });
    ended();
    if (!second) return null;
    return async ({ found, page, scored, explore, promotions, leftOut, isRepost }) => {
      const thought = await secondScores(log, second, leftOut);
      if (!thought) return null;
      // before pins, which fold by conversations
      await hydratePosts(services, second.posts, second.context, found.originals);
      const unweighed = thought.filter(({ post }) => !isRepost(post));
      const secondScored = promotions ? promotions.unpinned(promotions.weighed(unweighed), page) : unweighed;
      return drafted({ 1: { ...found, scored }, 2: { ...second, scored: secondScored } }, page, explore);
    };
  },
};

/** What the second model's ranker says; null where it fails, and that is logged. */
async function secondScores(
  log: Log,
  { context, ranker, input, vector, posts }: SecondModelInputs,
  leftOut: UnrankablePost[],
): Promise<ScoredPost[] | null> {
  const weights = headWeights(context.settings);
  const own: UnrankablePost[] = [];
  try {
    const request = { now: Number(context.now), weights };
    const scored = await scoreWithModel(ranker, userState(context, input.history), vector, posts, request, own);
    // what both leave out is named once
    leftOut.push(...own.filter(({ post_id }) => !leftOut.some((other) => other.post_id === post_id)));
    return scored;
  } catch (error) {
    log("chosen_model_failed", new SecondModelError(context, "cannot rank", error));
    return null;
  }
}

/** One side of the draft: a model's scores, the posts, and the settings. */
interface Side extends Pick<RankingInputs, "context" | "posts" | "input"> {
  scored: ScoredPost[];
}

/** The page that two models draft: each one's ranking is the page it would have made alone. */
function drafted(sides: Record<Team, Side>, page: Page, explore: Exploration | null): BuiltPage {
  const { limit, served } = page;
  const rankings = {
    1: selectBest(sides[1].scored, page, sides[1].context, explore),
    2: selectBest(sides[2].scored, page, sides[2].context, explore),
  };
  const places = teamDraft(rankings, limit, coinsOf(served.seed), servedPositions(served), (by, isLeft) =>
    explore?.draw(sides[by].scored.filter(isLeft)),
  );
  // with what chance a draft gives a place to a post has no closed form
  const selected = places.map(({ by, team, ...place }) => ({ ...place, drawn: false, propensity: null }));
  const whyOf = (team: Team) => {
    const those = selected.filter((_, i) => places[i].by === team);
    const { posts, context, input } = sides[team];
    return explainPage(those, posts, context, input.history).values();
  };
  const why = { 1: whyOf(1), 2: whyOf(2) };
  return {
    selected,
    why: places.map(({ by }) => why[by].next().value as Reason),
    credits: places.map(({ by, team }) => ({ modelId: sides[by].context.model_id as number, team })),
    candidates: new Set([...sides[1].scored, ...sides[2].scored].map(({ post }) => post.post_id)).size,
  };
}
