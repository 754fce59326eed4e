/** Replays the last tenth of an app's own history in an embedded database, with the feed and with simple orders. */
import type pg from "pg";
import type { WorkContext } from "../../db/progress.ts";
import { readScoreWeights } from "../../db/settings.ts";
import { UserError } from "../../db/user-error.ts";
import { prepareVectors, vectorSpecOf } from "../../trainer/data/app-embeddings/prepare-vectors.ts";
import { withVectors } from "../../trainer/data/app-embeddings/read-vectors.ts";
import { firstInteractions } from "../../trainer/data/replay/first-interactions.ts";
import { communityFromDatabase } from "../../trainer/data/replay/from-database.ts";
import { rollUpAll } from "../../trainer/data/replay/roll-up.ts";
import { mostRecent, popularity, recencyBaselineRecommender } from "../../trainer/evaluation/baselines/simple.ts";
import { beginning, sizesOf, ticking } from "../../trainer/evaluation/evaluate.ts";
import type { Recommender } from "../../trainer/evaluation/protocols/recommender.ts";
import { defaultWindow, type ReplayResult, runReplay } from "../../trainer/evaluation/protocols/replay.ts";
import { ReplayedSystem } from "../../trainer/evaluation/system/replayed-system.ts";
import { System } from "../../trainer/evaluation/system/system.ts";
import type { Config } from "../../trainer/training/config/config.ts";
import { identifier, qualified } from "../catalog/quote.ts";
import type { draftDatabase } from "../draft/draft-views.ts";
import { uuidSql } from "../draft/sql-text.ts";
import type { PostTable } from "../find/find-roles.ts";
import { type CopiedTable, copyApp, newestFirst } from "./copy-app.ts";
import { findOwnOrder, type OwnOrder, ownOrderRecommender } from "./own-order.ts";

/** With these a training and a replay stay within minutes and 2 GB. */
export const copyLimits = { posts: 25_000, others: 200_000 };

/** With fewer visits the standard error of a share is up to 0.07, more than orders differ by. */
export const fewestVisits = 50;

/** As many as `recsys evaluate` replays, so that both give the same figures. */
const mostVisits = 1000;

export interface ReplayAppOptions {
  seed: number;
  config: Config;
  /** The app's own order, as SQL. */
  order?: string | undefined;
}

export interface AppReplay {
  /** The system first. */
  results: ReplayResult[];
  copied: CopiedTable[];
  people: number;
  posts: number;
  interactions: number;
  /** First visits in the last tenth. The replay takes a sample of them. */
  visits: number;
  testFrom: number;
  until: number;
  order: OwnOrder | undefined;
}

/** A draft with what it found. */
export type DraftedApp = Awaited<ReturnType<typeof draftDatabase>>;

/**
 * Copies, rolls up, trains on all but the last tenth and replays that. The app's database is only read. Throws a `UserError` where the history is too
 * small to say anything.
 */
export async function replayApp(
  { database, onProgress, signal }: WorkContext,
  app: pg.Pool,
  { sql, roles: { catalog, contents } }: DraftedApp,
  { seed, config, order: named }: ReplayAppOptions,
): Promise<AppReplay> {
  const [posts] = contents;
  if (!posts) throw new Error("a draft without posts is not replayed");
  const tables = contents.map(({ table }) => table);
  // an order that cannot be is refused before anything is copied
  const order = findOwnOrder(tables, named);
  const copied = await copyApp(app, database.pool, { sql, catalog, posts: tables }, copyLimits, {
    onProgress,
    signal,
  });
  await rollUpAll(database, onProgress, signal);
  const loaded = await communityFromDatabase(database, onProgress);
  const { interactions } = loaded.community;
  const { testFrom = 0 } = defaultWindow(loaded.community);
  const visits = firstInteractions(loaded.community.posts, interactions).filter((i) => interactions.at[i] >= testFrom);
  if (visits.length < fewestVisits)
    throw new UserError(
      `too little history to say anything: ${interactions.at.length} interactions were found, and the last tenth has ${visits.length} first visits of a person to a post, where ${fewestVisits} are needed. Come back with more, or see in the draft which tables it reads`,
    );
  const vectors = await prepareVectors(database.pool, onProgress, { signal });
  loaded.community = await withVectors(database, loaded.community, vectors && vectorSpecOf(vectors));
  const sizes = sizesOf(loaded.community);
  const pipeline = { seed, config, scoreWeights: await readScoreWeights(database), onProgress, signal };
  const own =
    order &&
    ownOrderRecommender(
      app,
      order,
      newestPosts(posts),
      await numbersOf(database.pool, posts, loaded.community.posts.ids),
    );
  // an order that cannot be read ends the work before the training, and not after it
  const sample = await visitsInTime(own, order, testFrom, sizes.posts);
  const recommenders = [
    new System(new ReplayedSystem(loaded, pipeline), systemName),
    mostRecent(sizes),
    popularity(sizes, 7 * 24),
    popularity(sizes),
    recencyBaselineRecommender(),
    ...(own ? [own] : []),
  ];
  const results = await runReplay(loaded.community, { validFrom: testFrom, testFrom, sample, seed }, recommenders, {
    onProgress: ticking(pipeline, "replaying"),
    onTraining: beginning(pipeline, [systemName]),
  });
  return {
    results,
    copied,
    people: sizes.users,
    posts: sizes.posts,
    interactions: interactions.at.length,
    visits: visits.length,
    testFrom,
    until: interactions.at[interactions.at.length - 1],
    order,
  };
}

const systemName = "the feed";

/** Seconds that the app's own order may take of the replay. */
const ownSeconds = 60;

/** How many visits are replayed: fewer where the app's own order is read for each, and slowly. */
async function visitsInTime(
  own: Recommender | undefined,
  order: OwnOrder | undefined,
  at: number,
  posts: number,
): Promise<number> {
  const begun = performance.now();
  await own?.scores(0, at, new Float64Array(posts));
  const seconds = (performance.now() - begun) / 1000;
  const visits = order?.isAsOf ? Math.min(mostVisits, Math.floor(ownSeconds / seconds)) : mostVisits;
  if (visits < fewestVisits)
    throw new UserError(
      `the app's own order takes ${seconds.toFixed(1)} s for one visit, and ${fewestVisits} are needed: simplify --order, or leave out :at`,
    );
  return visits;
}

/** The posts that were copied, for a query of the app's database. */
function newestPosts({ table, key }: PostTable) {
  return {
    table,
    key,
    newest: newestFirst(
      table,
      table.columns.map(({ name }) => name),
      copyLimits.posts,
    ),
  };
}

/** The numbers of posts by their ids in the app. */
async function numbersOf(embedded: pg.Pool, { table, key }: PostTable, ids: string[]): Promise<Map<string, number>> {
  const numbers = new Map(ids.map((id, i) => [id, i]));
  const { rows } = await embedded.query<{ id: string; post_id: string }>(
    `select ${identifier(key.name)}::text as id, ${uuidSql(identifier(key.name), key)} as post_id from ${qualified(table)}`,
  );
  return new Map(
    rows.flatMap(({ id, post_id }) => (numbers.has(post_id) ? [[id, numbers.get(post_id) as number]] : [])),
  );
}
