/**
 * What passes along the line of a feed (recommend.ts), and the four seams at which others plug in: which model serves, who makes the
 * page, what is promoted, and what comes after the answer. The line knows these interfaces alone; who plugs in is in _shared/plugins/.
 */

import type { Expression } from "kysely";
import type { Connection, Pool, Query } from "../../database/database.ts";
import type { Replica } from "../../database/replica.ts";
import type { Identity } from "../../database/run-as-caller.ts";
import type { UserInput } from "../../features/tower-inputs.ts";
import type { BackgroundTask } from "../../http/background-queue.ts";
import type { Log } from "../../http/log.ts";
import type { Span } from "../../http/span.ts";
import type { ModelCache } from "../../models/models.ts";
import type { FeedModel } from "../context/feed-model.ts";
import type { ContextRow } from "../context/read-context.ts";
import type { PostCandidate } from "../context/user-state.ts";
import type { IsRepost, RepostOriginals } from "../filters/reposts.ts";
import type { UnrankablePost } from "../filters/unrankable.ts";
import type { Descriptions } from "../hydration/describe-items.ts";
import type { Edits } from "../hydration/edit-times.ts";
import type { MaskedTitles } from "../hydration/masked-titles.ts";
import type { PostAttributeCache } from "../hydration/post-attribute-cache.ts";
import type { Topic } from "../hydration/topics.ts";
import type { Page } from "../request/cursor.ts";
import type { Feed, Reason } from "../request/feed-schema.ts";
import type { Reader } from "../request/reader.ts";
import type { ScoredPost } from "../scoring/score.ts";
import type { Exploration, ExplorationStats } from "../selection/exploration.ts";
import type { ExplorationStatsCache } from "../selection/exploration-stats.ts";
import type { SelectedPost } from "../selection/select-page.ts";
import type { GlobalCandidatesCache } from "../sources/global-candidates.ts";
import type { GetCallerSignals } from "../sources/retrieve.ts";

/** What a feed is made with. */
export interface FeedServices {
  pool: Pool;
  /** Reads what is everybody's; left out: there is none. */
  replica?: Replica | undefined;
  models: ModelCache;
  commonPosts: GlobalCandidatesCache;
  trials: ExplorationStatsCache;
  topics: PostAttributeCache<Topic>;
  conversations: PostAttributeCache<string>;
  edits: Edits;
  titles: MaskedTitles;
  log: Log;
  plugIns: Plugins;
}

export interface Plugins {
  /** Left out: the active one serves. */
  model?: ModelSelector;
  /** Left out: no promotions. */
  promoter?: PromotionProvider;
  /** The first that makes the page of a feed makes it; where none does it is the plain one (build-page.ts). */
  pages: PageBuilder[];
  afterAnswer: SideEffect[];
}

/** The first seam: which model serves. */
export interface ModelSelector {
  /** Reads the context of a user's feed (null: a visitor's) as `read` does (read-context.ts), and with it which model serves. `failed`: the chosen one did. */
  readContext<Row>(
    userId: string | null,
    failed: boolean,
    read: (userId: string | null, assigned: Expression<unknown> | null) => Query<Row>,
  ): Query<Row>;
  /** The model that is to serve instead of the active one; null: that one does. */
  chosen(context: Pick<ContextRow, "assigned">): ChosenModel | null;
  /** What was chosen for the user, as recsys.impressions.variant; "": nothing. */
  label(context: ContextRow): string;
}

export interface ChosenModel {
  id: number;
  /** What the log calls it. */
  name: string;
}

/** The chosen model cannot serve, so the active one does. */
export class ChosenModelError extends Error {
  constructor({ name }: ChosenModel, what: string, cause?: unknown) {
    super(`${name} ${what}: the active model serves`, { cause });
  }
}

/** What the database knows of who asks, and the candidates. */
export interface RankingInputs {
  context: ContextRow;
  /** null: no model is active. */
  model: FeedModel | null;
  input: UserInput;
  /** The user's, [32]; null without a model. */
  vector: Float32Array | null;
  posts: PostCandidate[];
  /** What others would be to the user. */
  ofCaller: GetCallerSignals;
  originals: RepostOriginals | null;
  /** null: nothing is tried. */
  trials: ExplorationStats | null;
  /** Whether a replica found the posts: then the page needs the last check (recheck-visibility.ts). */
  isOfReplica: boolean;
}

/** The second seam: who makes the page. */
export interface PageBuilder {
  /**
   * Looks up what it needs, last in the feed's transaction, where a statement that fails takes nothing back of what is found; null: it does not make
   * the page of this feed.
   */
  prepare(asked: PageInputs, services: FeedServices): Promise<BuildPage | null>;
}

export interface PageInputs {
  connection: Connection;
  reader: Reader;
  page: Page;
  found: RankingInputs;
  span: Span;
}

/** Makes the page from what the model says; null: it cannot after all. */
export type BuildPage = (ranked: RankedCandidates) => Promise<BuiltPage | null>;

/** Candidates and what they are worth. */
export interface RankedCandidates {
  found: RankingInputs;
  page: Page;
  scored: ScoredPost[];
  /** What is tried on this page; null: nothing. */
  explore: Exploration | null;
  /** null: nothing. */
  promotions: Promotions | null;
  /** Takes the posts that cannot be ranked. */
  leftOut: UnrankablePost[];
  isRepost: IsRepost;
}

export interface BuiltPage {
  selected: SelectedPost<ScoredPost>[];
  /** Of each place. */
  why: Reason[];
  /** How many posts it was made of. */
  candidates: number;
  /** Of each place, where the page is the work of several models; null: of neither. */
  credits?: (Credit | null)[];
  /** By place; null, or left out: not promoted. */
  promoted?: (PromotedPlace | null)[];
}

/** What put a post where it is, or helped it there. */
export interface PromotedPlace {
  /** As in recsys.promotions. */
  id: number;
  /** What its reader is told. */
  name: string;
}

/** What a place is logged with where several models made the page. */
export interface Credit {
  /** The model whose score and features it has. */
  modelId: number;
  /** The team that it counts for, as recsys.impressions.team; null: neither. */
  team: number | null;
}

/** The third seam: what is put into feeds by hand. */
export interface PromotionProvider {
  /** Looks up what is promoted to the reader, after all others; null: nothing. */
  prepare(asked: PageInputs, services: FeedServices): Promise<Promotions | null>;
}

/** What is promoted to one reader. */
export interface Promotions {
  /** What no source brought of it. */
  posts: PostCandidate[];
  /** The candidates by what they are worth then. */
  weighed(scored: ScoredPost[]): ScoredPost[];
  /** What a page is made of: what has no fixed place on it or on a later one. */
  unpinned(scored: ScoredPost[], page: Page): ScoredPost[];
  /** A page with what has a fixed place. */
  placed(made: BuiltPage, scored: ScoredPost[], page: Page): BuiltPage;
}

/** The fourth seam: what is done once a user has the answer. `inSpareTime` does work where the worker has time to spare, or gives it up. */
export type SideEffect = (
  recommendation: FeedResult,
  caller: Identity & { sub: string },
  inSpareTime: <Item>(work: BackgroundTask<Item>, item: Item) => void,
) => void;

/** A feed, and what is to be logged of it. */
export interface FeedResult {
  feed: Feed;
  /** The engine's instant for which it holds. */
  shownAt: Date;
  /** The ranker inputs of each item; null where no model ranked. */
  features: (number[] | null)[];
  /** The chance with which each item got its place, as recsys.impressions.propensity. */
  propensities: (number | null)[];
  /** null: no model ranked, or the request named the posts. */
  decision: RankingDecision | null;
  /** As `ModelSelector.label`; null: not read yet. */
  label: string | null;
  credits?: (Credit | null)[] | undefined;
  /** As in `BuiltPage`. */
  promoted?: (PromotedPlace | null)[] | undefined;
  /** What the last check read of its posts; left out: nothing yet. */
  described?: Descriptions | undefined;
}

/** The candidates and scores that a page was chosen from, for shadows and estimates afterwards. */
export interface RankingDecision {
  found: RankingInputs;
  page: Page;
  /** All candidates, as the model that served ranked them. */
  ranked: ScoredPost[];
  selected: SelectedPost<ScoredPost>[];
}
