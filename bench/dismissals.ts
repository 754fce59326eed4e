/**
 * Measures the head for dismissals against the law that decided them: `npm run bench -- dismissals [--seed 1,2,3]`.
 * Also measures dismissals before a training and factors of a topic (`leaning`). Takes two minutes a seed.
 */

import { countOccurrence } from "../supabase/functions/_shared/features/count-occurrence.ts";
import { weightsOf } from "../supabase/functions/_shared/features/kinds.ts";
import { dismissalMultiplier } from "../supabase/functions/_shared/recommend/scoring/dismissal-multiplier.ts";
import { combineHeads } from "../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import type { LoadedCommunity } from "../trainer/data/replay/from-database.ts";
import { dayLength } from "../trainer/data/synthetic/calendar.ts";
import { impressionsPerVisit } from "../trainer/data/synthetic/simulation.ts";
import { expectedUtility, lookProbability, viewProbability, warmthOf } from "../trainer/data/synthetic/taste.ts";
import { topicOf, topics } from "../trainer/data/synthetic/topics.ts";
import { World } from "../trainer/data/synthetic/world.ts";
import { auc } from "../trainer/evaluation/metrics/classification-metrics.ts";
import { estimate, meanOf } from "../trainer/evaluation/metrics/statistics.ts";
import { replayedModel } from "../trainer/evaluation/system/replayed-system.ts";
import { startBackend } from "../trainer/models/nn/backend.ts";
import { pageRequests } from "../trainer/models/ranker/page-requests.ts";
import type { Request } from "../trainer/models/ranker/requests.ts";
import { trainModel } from "../trainer/pipeline.ts";
import { rankedRequests } from "../trainer/release/gate/ranked-requests.ts";
import { commandOptions, loadCommunity, numbersIn } from "./shared/workspace.ts";

const size = { users: 600, posts: 1200, days: 60 };
/** The last days, which nothing is learned from. */
const heldOutDays = 5;
const mostPages = 600;
const scoreWeights = [0.2, 1, 1];
const weights = [0, -1, -2, -4, -8, -16];
const leanings = [1, 2, 4, 8];

for (const seed of numbersIn(commandOptions({ seed: "1,2,3" }).seed)) await measure(seed);

async function measure(seed: number): Promise<void> {
  const { loaded } = await loadCommunity({ seed, ...size, dismisses: true });
  await startBackend();
  const { timeline } = loaded;
  const until = timeline.at[timeline.length - 1] - heldOutDays * dayLength;
  const model = await trainModel(loaded, { seed, until, scoreWeights });
  if (!model.dlrm.heads.includes("dismiss")) throw new Error("too few dismissals for a head");
  const law = truth(new World(seed, size, true), loaded);
  const shown = pageRequests(
    loaded.pages,
    timeline,
    loaded.community.posts.ids.length,
    until,
    Number.POSITIVE_INFINITY,
  );
  const pages = shown.slice(-mostPages);
  const replayed = await replayedModel(model, loaded.community);
  const options = { weights: { view: 0.2, vote: 1, comment: 1 }, onProgress: () => {} };
  const column = model.dlrm.heads.indexOf("dismiss");
  const rows = { labels: [] as number[], said: [] as number[], lawful: [] as number[], unviewed: [] as number[] };
  for await (const [request, { model: ranked }] of rankedRequests(loaded, pages, { model: replayed }, options)) {
    if (!("shown" in request)) continue;
    const h = ranked.heads.length;
    for (const [i, post] of ranked.posts.entries()) {
      rows.labels.push(request.shown.find((each) => each.post === post)?.told?.dismiss ?? 0);
      rows.said.push(ranked.probabilities[i * h + column]);
      rows.unviewed.push(-ranked.probabilities[i * h]);
      rows.lawful.push(law.dismissal(request.user, post, request.at));
    }
  }
  const dismissed = rows.labels.reduce((sum, label) => sum + label, 0);
  const expected = rows.said.reduce((sum, p) => sum + p, 0);
  console.log(
    `seed ${seed}: ${dismissed} of ${rows.labels.length} posts of ${pages.length} later pages dismissed, ${expected.toFixed(0)} expected; AUC of the head ${auc(rows.labels, rows.said).toFixed(3)}, of the law ${auc(rows.labels, rows.lawful).toFixed(3)}, of 1 − p(view) ${auc(rows.labels, rows.unviewed).toFixed(3)}`,
  );
  const moments = pages.map(({ event, user, at }): Request => ({ event, user, at, post: -1, labels: [0, 0, 0] }));
  const made = weights.map(() => ({ withDismissal: 0, utility: 0 }));
  const { authors, tags } = loaded.community.posts;
  const alike = () => ({ pages: 0, ofAuthor: 0, ofTag: 0 });
  const nothingYet = () => ({ ...alike(), withDismissal: 0, utility: [] as number[], withinADay: alike() });
  const rules = { "without a rule": nothingYet(), "with dismissal-multiplier.ts": nothingYet() };
  const leant: Record<string, { places: number[]; utility: number[] }[]> = {};
  const countAlike = (sums: ReturnType<typeof alike>, page: number[], dismissed: { post: number }[]) => {
    sums.pages++;
    sums.ofAuthor += page.filter((post) => dismissed.some((other) => authors[other.post] === authors[post])).length;
    sums.ofTag += page.filter((post) =>
      dismissed.some((other) => tags[other.post].some((tag) => tags[post].includes(tag))),
    ).length;
  };
  const pageOf = (scores: number[]) =>
    scores
      .map((_, i) => i)
      .sort((a, b) => scores[b] - scores[a])
      .slice(0, impressionsPerVisit);
  for await (const [{ user, at }, { model: ranked }] of rankedRequests(loaded, moments, { model: replayed }, options))
    for (const [w, dismiss] of weights.entries()) {
      const of = weightsOf(ranked.heads, { ...options.weights, dismiss });
      const scores = Array.from(ranked.posts, (_, i) => combineHeads(ranked, i, of));
      const { withDismissal, utility } = law.page(
        user,
        pageOf(scores).map((i) => ranked.posts[i]),
        at,
      );
      made[w].utility += utility;
      made[w].withDismissal += withDismissal;
      if (dismiss !== -4) continue;
      const plain = pageOf(scores).flatMap((i) => tags[ranked.posts[i]]);
      const [passion, other] = [law.passion(user), topics[Math.trunc(at) % topics.length].name];
      const wishes = {
        "more of a passion": passion,
        "more of another topic": other,
        "less of what comes most": modeOf(plain),
      };
      for (const [f, leaning] of leanings.entries())
        for (const [wish, tag] of Object.entries(wishes)) {
          const factor = wish.startsWith("more") ? leaning : 1 / leaning;
          const has = (post: number) => tags[post].includes(tag);
          const page = pageOf(scores.map((score, i) => (has(ranked.posts[i]) ? factor * score : score)));
          const posts = page.map((i) => ranked.posts[i]);
          leant[wish] ??= leanings.map(() => ({ places: [], utility: [] }));
          const sums = leant[wish][f];
          sums.places.push(posts.filter(has).length);
          sums.utility.push(law.page(user, posts, at).utility);
        }
      const lately = dismissalsOf(loaded, user, at);
      if (lately.length === 0) continue;
      const tellsOf = (post: number) => ({ author_id: String(authors[post]), tags: tags[post] });
      const factor = dismissalMultiplier(lately.map(({ post, days }) => ({ ...tellsOf(post), days })));
      for (const [rule, sums] of Object.entries(rules)) {
        const factors = Array.from(ranked.posts, (post) => (rule === "without a rule" ? 1 : factor(tellsOf(post))));
        const page = pageOf(scores.map((score, i) => factors[i] * score)).map((i) => ranked.posts[i]);
        const { withDismissal, utility } = law.page(user, page, at);
        sums.withDismissal += withDismissal;
        sums.utility.push(utility);
        countAlike(sums, page, lately);
        const justNow = lately.filter(({ days }) => days < 1);
        if (justNow.length > 0) countAlike(sums.withinADay, page, justNow);
      }
    }
  for (const [w, dismiss] of weights.entries()) {
    const { withDismissal, utility } = made[w];
    console.log(
      `  weight ${dismiss}: ${((100 * withDismissal) / moments.length).toFixed(2)} % of pages with a dismissal, utility ${(utility / moments.length).toFixed(4)}`,
    );
  }
  for (const [rule, { withDismissal, utility, withinADay, ...all }] of Object.entries(rules)) {
    const { pages } = all;
    const places = ({ pages, ofAuthor, ofTag }: ReturnType<typeof alike>) =>
      `${(ofAuthor / pages).toFixed(2)} places of such an author, ${(ofTag / pages).toFixed(2)} with such a tag`;
    const { mean, error } = estimate(utility.map((each, i) => each - rules["without a rule"].utility[i]));
    console.log(
      `  of ${pages} pages after a dismissal, ${rule}: ${places(all)}, of ${withinADay.pages} within a day of it ${places(withinADay)}; ${((100 * withDismissal) / pages).toFixed(2)} % with a dismissal, utility ${meanOf(utility).toFixed(4)} (${mean.toFixed(4)} ± ${error.toFixed(4)})`,
    );
  }
  for (const [wish, sums] of Object.entries(leant))
    for (const [f, { places, utility }] of sums.entries()) {
      const { mean, error } = estimate(utility.map((each, i) => each - sums[0].utility[i]));
      console.log(
        `  ${wish}, factor ${leanings[f]}: ${meanOf(places).toFixed(2)} places of it, utility ${meanOf(utility).toFixed(4)} (${mean.toFixed(4)} ± ${error.toFixed(4)})`,
      );
    }
}

/** Which of some tags is there most often. */
function modeOf(tags: string[]): string {
  const times = new Map<string, number>();
  for (const tag of tags) countOccurrence(times, tag);
  return [...times].reduce((most, each) => (each[1] > most[1] ? each : most))[0];
}

/** The posts of logged pages that a user dismissed within the 14 days before an instant. */
function dismissalsOf({ pages }: LoadedCommunity, user: number, at: number): { post: number; days: number }[] {
  return pages
    .filter((page) => page.user === user && page.at < at && page.at > at - 14 * dayLength)
    .flatMap(({ posts, told, at: then }) => {
      const dismissed = posts.filter((_, i) => told?.[i].dismiss);
      return dismissed.map((post) => ({ post, days: (at - then) / dayLength }));
    });
}

/** What the laws say of a post that a user looks at, without recent applause. */
function truth({ people, writings, dismissals }: World, { community: { users, posts } }: LoadedCommunity) {
  const peopleById = new Map(people.map(({ id }, i) => [id, i]));
  const writingsById = new Map(writings.map((writing) => [writing.id, writing]));
  const person = users.ids.map((id, i) => peopleById.get(users.externalIds?.[i] ?? id) as number);
  const writing = posts.ids.map((id, i) => writingsById.get(posts.externalIds?.[i] ?? id) as (typeof writings)[number]);
  const warmth = (post: number, at: number) => warmthOf(0, (at - writing[post].createdAt) / dayLength);
  const dismissal = (user: number, post: number, at: number) => {
    const who = people[person[user]];
    const unopened = 1 - viewProbability(who, writing[post], warmth(post, at));
    return unopened * (dismissals?.probability(person[user], who, writing[post]) ?? 0);
  };
  return {
    dismissal,
    /** The topic of the passion that a user cares least about. */
    passion: (user: number) => topics[topicOf[people[person[user]].passions.at(-1) as number]].name,
    page(user: number, posts: number[], at: number) {
      let [none, utility] = [1, 0];
      for (const [place, post] of posts.entries()) {
        const look = lookProbability(place + 1);
        none *= 1 - look * dismissal(user, post, at);
        utility += look * expectedUtility(people[person[user]], writing[post], warmth(post, at));
      }
      return { withDismissal: 1 - none, utility };
    },
  };
}
