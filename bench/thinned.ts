/**
 * Measures the cost of the limits on new authors in small communities: `npm run bench -- thinned --data FOLDER [--shapes
 * people-10,once] [--seeds 1,2,3] [--events 400]`. Compares first visits with and without the limits. Needs PostgreSQL.
 */
import { readFeedSettings } from "../db/settings.ts";
import { UserError } from "../db/user-error.ts";
import { communityFeed } from "../supabase/functions/_shared/recommend/fallback/community-feed.ts";
import { emptyServedState } from "../supabase/functions/_shared/recommend/request/cursor.ts";
import {
  type FeedSettings,
  settingsForHistory,
  withNewcomerPlaces,
} from "../supabase/functions/_shared/recommend/request/feed-settings.ts";
import { combineHeads } from "../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import { selectPage } from "../supabase/functions/_shared/recommend/selection/select-page.ts";
import type { Community } from "../trainer/data/replay/community.ts";
import { firstInteractions } from "../trainer/data/replay/first-interactions.ts";
import { recencyBaselineRecommender } from "../trainer/evaluation/baselines/simple.ts";
import { estimate, meanOf } from "../trainer/evaluation/metrics/statistics.ts";
import type { History, Recommender } from "../trainer/evaluation/protocols/recommender.ts";
import { runReplay } from "../trainer/evaluation/protocols/replay.ts";
import { pairedCell, shareCell, table } from "../trainer/evaluation/report/table.ts";
import { type CandidateList, ReplayedSystem } from "../trainer/evaluation/system/replayed-system.ts";
import { SystemRecommender } from "../trainer/evaluation/system/system.ts";
import { startBackend } from "../trainer/models/nn/backend.ts";
import { Histories } from "../trainer/models/towers/histories.ts";
import { commandOptions, loadCommunity, numbersIn, openFolder, openPostgres, openScope } from "./shared/workspace.ts";
import { PastCommunity } from "./thinned/past.ts";
import { shapes, writeThinned } from "./thinned/shapes.ts";

const pageSize = 20;
/** The feed's seed rounds the newcomers' share of a page, so pages with guards are made by several seeds. */
const draws = 8;
/** First visits that a training needs at least. */
const trainable = 100;

function ofPage(posts: number[], out: Float64Array): void {
  out.fill(Number.NEGATIVE_INFINITY);
  for (const [i, post] of posts.entries()) out[post] = pageSize - i;
}

/** A seed per request and draw. */
function seedOf(at: number, draw: number): bigint {
  return BigInt(Math.round(at / 1000)) * BigInt(draws) + BigInt(draw);
}

/** Pages of the feed without a model, which SQL answers. */
function pagesWithoutModel(name: string, past: PastCommunity, { users, posts }: Community, draw: number): Recommender {
  const numbers = new Map(posts.ids.map((id, post) => [id, post]));
  return {
    name,
    observe() {},
    async scores(user, at, out) {
      const page = { limit: pageSize, served: { ...emptyServedState(), seed: seedOf(at, draw) } };
      const caller = { role: "authenticated", sub: users.ids[user] };
      const feed = await communityFeed(past, caller, page, "60s");
      ofPage(feed?.feed.items.map(({ post_id }) => numbers.get(post_id) as number) ?? [], out);
    },
  };
}

/** Pages of the model's ranking. With `past`, authors and posts are limited as SQL says of that instant. */
class PagesOfModel extends SystemRecommender {
  readonly name: string;
  private readonly community: Community;
  private readonly histories: Histories;
  private readonly settings: FeedSettings;
  private readonly weights: number[];
  private readonly limits: { trained: ReplayedSystem; past: PastCommunity; draw: number } | undefined;
  private history = 0;

  constructor(
    name: string,
    replayed: ReplayedSystem,
    shared: { community: Community; settings: FeedSettings; weights: number[] },
    limits?: { trained: ReplayedSystem; past: PastCommunity; draw: number },
  ) {
    super(replayed);
    this.name = name;
    this.community = shared.community;
    this.histories = new Histories(shared.community, Number.POSITIVE_INFINITY);
    this.settings = shared.settings;
    this.weights = shared.weights;
    this.limits = limits;
  }

  override async train(history: History): Promise<void> {
    if (this.limits) this.replayed.serve(this.limits.trained.model);
    else await super.train(history);
  }

  override async scores(user: number, at: number, out: Float64Array): Promise<void> {
    this.history = this.histories.latest(user, at).length;
    await super.scores(user, at, out);
  }

  protected override rank(list: CandidateList, out: Float64Array): void {
    const { limits } = this;
    const posts = list.candidates.map((candidate, i) => ({
      score: combineHeads(list, i, this.weights),
      post: {
        ...candidate,
        post_id: this.community.posts.ids[candidate.post],
        standing:
          limits && !candidate.follows_author && !(candidate.author_affinity > 0)
            ? limits.past.standings[candidate.post]
            : null,
      },
    }));
    const settings = settingsForHistory(this.settings, this.history);
    const limited = limits
      ? withNewcomerPlaces(
          { ...settings, newcomer_share: limits.past.newcomerShare },
          pageSize,
          seedOf(list.at, limits.draw),
        )
      : settings;
    ofPage(
      selectPage(posts, pageSize, limited).map(({ chosen }) => chosen.post.post),
      out,
    );
  }
}

/** R@20 and MRR@20 of each request. */
type Measured = Record<"recency" | "free" | "limited", [number, number][]>;

async function measure(data: string, shape: string, seed: number, events: number): Promise<Measured> {
  await using scope = openScope();
  const folder = await openFolder(scope);
  await writeThinned(data, folder, shapes[shape], seed);
  const { loaded, scoreWeights: weights } = await loadCommunity(folder);
  const { community } = loaded;
  const { posts, users, interactions } = community;
  const past = async (isGuarded: boolean) => {
    const opened = new PastCommunity(await openPostgres(scope, "thinned"), community, isGuarded);
    scope.after(() => opened.pool.end());
    return opened;
  };
  const limited = await past(true);
  const first = firstInteractions(posts, interactions);
  const begin = Math.max(Math.ceil(first.length / 2), first.length - events);
  const testFrom = interactions.at[first[begin]];
  const each = Array.from({ length: draws }, (_, draw) => draw);
  const note = (text: string) =>
    console.error(`${new Date().toISOString().slice(11, 19)} ${shape}, seed ${seed}: ${text}`);
  note(`${users.ids.length} people, ${posts.ids.length} posts, ${begin} first visits, then ${first.length - begin}`);
  const recommenders: Recommender[] = [recencyBaselineRecommender(), limited];
  if (begin < trainable) {
    const free = await past(false);
    recommenders.push(free, pagesWithoutModel("free", free, community, 0));
    for (const draw of each) recommenders.push(pagesWithoutModel("limited", limited, community, draw));
  } else {
    const trained = new ReplayedSystem(loaded, { seed, scoreWeights: weights });
    const shared = { community, settings: await readFeedSettings(limited.database), weights };
    const waiting = { ...loaded, community: { ...community, posts: { ...posts, waits: limited.waits } } };
    const replayed = new ReplayedSystem(waiting, { seed, scoreWeights: weights });
    recommenders.push(new PagesOfModel("free", trained, shared));
    for (const draw of each)
      recommenders.push(new PagesOfModel("limited", replayed, shared, { trained, past: limited, draw }));
  }
  const results = await runReplay(community, { validFrom: testFrom, testFrom, seed }, recommenders, {
    onProgress(done, total) {
      if (done % 100 === 0 || done === total) note(`${done} of ${total} requests`);
    },
  });
  const ofKind = (kind: string) => {
    const alike = results.filter(({ name }) => name === kind);
    return alike[0].events.map((_, i): [number, number] => {
      const values = alike.map(({ events }) => (events[i].rank <= pageSize ? 1 / events[i].rank : 0));
      return [meanOf(values.map((value) => Number(value > 0))), meanOf(values)];
    });
  };
  return { recency: ofKind("recency baseline"), free: ofKind("free"), limited: ofKind("limited") };
}

function row(name: string, { recency, free, limited }: Measured): string[] {
  const cells = [0, 1].flatMap((metric) => {
    const values = [recency, free, limited].map((of) => of.map((each) => each[metric]));
    const lost = estimate(values[2].map((value, i) => value - values[1][i]));
    return [...values.map((each) => shareCell(meanOf(each))), pairedCell(lost)];
  });
  return [name, String(recency.length), ...cells];
}

const defaults = { data: "", shapes: Object.keys(shapes).join(","), seeds: "1,2,3", events: "400" };
const { data, ...given } = commandOptions(defaults);
if (!data) throw new UserError("give --data FOLDER: a community to thin");
const backend = await startBackend();
console.error(`pages of ${pageSize} (${backend})`);
const columns = ["recency", "no limits", "limits", "difference"];
const head = [
  "community",
  "visits",
  ...["R@20", "MRR"].flatMap((metric) => columns.map((name) => `${metric} ${name}`)),
];
for (const shape of given.shapes.split(",")) {
  const rows: string[][] = [];
  const all: Measured = { recency: [], free: [], limited: [] };
  for (const seed of numbersIn(given.seeds)) {
    const measured = await measure(data, shape, seed, Number(given.events));
    for (const kind of ["recency", "free", "limited"] as const) all[kind].push(...measured[kind]);
    rows.push(row(`${shape}, seed ${seed}`, measured));
  }
  console.log(`${table(head, [...rows, row(`${shape}, all`, all)])}\n`);
}
