/**
 * What diversity and author decay do to the pages of a replay: `npm run bench -- selection --data FOLDER
 * [--test-from 2017-04-01] [--sample 500] [--seed 1]`. One training, one replay; the same candidates for every setting.
 */
import { UserError } from "../db/user-error.ts";
import { dimensions } from "../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../supabase/functions/_shared/features/inner-product.ts";
import type { Candidate } from "../supabase/functions/_shared/features/ranker-features.ts";
import { combineHeads } from "../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import { selectPage } from "../supabase/functions/_shared/recommend/selection/select-page.ts";
import type { SelectionSettings } from "../supabase/functions/_shared/recommend/selection/selectable.ts";
import { diversityOf, textSimilarity } from "../trainer/evaluation/metrics/diversity.ts";
import { meanOf } from "../trainer/evaluation/metrics/statistics.ts";
import { runReplay } from "../trainer/evaluation/protocols/replay.ts";
import { shareCell, table } from "../trainer/evaluation/report/table.ts";
import { type CandidateList, ReplayedSystem } from "../trainer/evaluation/system/replayed-system.ts";
import { System } from "../trainer/evaluation/system/system.ts";
import { startBackend } from "../trainer/models/nn/backend.ts";
import { commandOptions, loadCommunity } from "./shared/workspace.ts";

const pageSize = 20;

/** The pages that one selection makes, a list of post numbers for each event. */
interface Pages {
  settings: SelectionSettings;
  pages: Int32Array[];
  /** Places that a new post has of which little is known, and which posts these are. */
  new: number;
  found: Set<number>;
  milliseconds: number;
}

/** Whether the post is among the newest and few have interacted with it. */
function isNew({ ranks, state }: Candidate): boolean {
  return ranks.fresh !== null && state.views + state.votes + state.comments < 10;
}

/** The system, which makes a page by every selection of each list that it ranks. */
class SystemWithPages extends System {
  readonly made: Pages[];
  private readonly ids: string[];
  private readonly weights: number[];

  constructor(replayed: ReplayedSystem, ids: string[], weights: number[], selections: SelectionSettings[]) {
    super(replayed);
    this.ids = ids;
    this.weights = weights;
    this.made = selections.map((settings) => ({
      settings,
      pages: [],
      new: 0,
      found: new Set(),
      milliseconds: 0,
    }));
  }

  protected override rank(list: CandidateList, out: Float64Array): void {
    super.rank(list, out);
    const { candidates } = list;
    const posts = candidates.map((candidate, i) => ({
      score: combineHeads(list, i, this.weights),
      post: { ...candidate, post_id: this.ids[candidate.post] },
    }));
    for (const made of this.made) {
      const start = performance.now();
      const page = selectPage([...posts], pageSize, made.settings);
      made.milliseconds += performance.now() - start;
      made.pages.push(Int32Array.from(page, ({ chosen }) => chosen.post.post));
      for (const { chosen } of page)
        if (isNew(chosen.post)) {
          made.new++;
          made.found.add(chosen.post.post);
        }
    }
  }
}

const { data, ...given } = commandOptions({ data: "", "test-from": "", sample: "500", seed: "1" });
if (!data) throw new UserError("give --data FOLDER: a community to replay");

const plain = { diversity: 0, author_decay: 1, topic_share: 1, group_share: 1 };
const selections = [
  plain,
  ...[0.25, 0.5, 1, 2, 4, 8].map((diversity) => ({ ...plain, diversity })),
  ...[0.9, 0.8, 0.5].map((author_decay) => ({ ...plain, author_decay })),
  ...[0.5, 1, 2, 4].map((diversity) => ({ ...plain, diversity, author_decay: 0.9 })),
];
const seed = Number(given.seed);
const backend = await startBackend();
const { loaded, scoreWeights } = await loadCommunity(data);
const { at } = loaded.community.interactions;
const testFrom = given["test-from"] ? Date.parse(given["test-from"]) : at[Math.floor(0.9 * at.length)];
const window = { validFrom: testFrom, testFrom, sample: Number(given.sample), seed };
console.log(
  `pages of 20, ${given.sample} events from ${new Date(testFrom).toISOString()} on, seed ${seed} (${backend})\n`,
);
const { posts } = loaded.community;
const replayed = new ReplayedSystem(loaded, { seed, scoreWeights });
const system = new SystemWithPages(replayed, posts.ids, scoreWeights, selections);
const [{ events }] = await runReplay(loaded.community, window, [system]);
const similarity = textSimilarity(loaded.community);
const { postVectors } = replayed.model;
const cosine = (a: number, b: number) =>
  innerProduct(postVectors, a * dimensions, postVectors, b * dimensions, dimensions);
const rows = system.made.map(({ settings, pages, new: ofNew, found, milliseconds }) => {
  const ranks = pages.map((page, i) => page.indexOf(events[i].post) + 1);
  const text = diversityOf(pages, posts.ids.length, similarity);
  const vectors = diversityOf(pages, posts.ids.length, cosine);
  return [
    String(settings.diversity),
    String(settings.author_decay),
    shareCell(meanOf(ranks.map((rank) => Number(rank > 0)))),
    shareCell(meanOf(ranks.map((rank) => (rank > 0 ? 1 / rank : 0)))),
    shareCell(text.intraListSimilarity),
    shareCell(vectors.intraListSimilarity),
    meanOf(pages.map((page) => new Set(Array.from(page, (post) => posts.authors[post])).size)).toFixed(2),
    shareCell(text.coverage),
    shareCell(ofNew / (pages.length * pageSize)),
    String(found.size),
    (milliseconds / pages.length).toFixed(2),
  ];
});
const head = ["diversity", "author decay", "R@20", "MRR@20", "alike, text", "alike, vectors"];
console.log(table([...head, "authors of 20", "coverage", "new", "new posts", "ms"], rows));
