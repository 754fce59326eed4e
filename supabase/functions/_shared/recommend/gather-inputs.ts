/** The stages that ask the database, in one transaction: context, user tower, candidates, and what those who make pages need. */

import type { Connection } from "../database/database.ts";
import { readAs } from "../database/run-as-caller.ts";
import { AppError, unknownUser } from "../http/errors.ts";
import type { Span } from "../http/span.ts";
import { embedUser } from "../towers/embed-users.ts";
import { userInput } from "../towers/user-input.ts";
import { feedModel, isModelError } from "./context/feed-model.ts";
import { type ContextRow, type ReaderRow, readContext, readReader } from "./context/read-context.ts";
import { gatherFromReplica, type ReadSource } from "./gather-from-replica.ts";
import { followingFeed } from "./page/following-feed.ts";
import {
  type BuildPage,
  type ChosenModel,
  ChosenModelError,
  type FeedResult,
  type FeedServices,
  type ModelSelector,
  type PageInputs,
  type Promotions,
  type RankingInputs,
} from "./pipeline/types.ts";
import { readHistoryComponents } from "./post-cache/post-cache.ts";
import type { Page } from "./request/cursor.ts";
import { settingsForHistory, withNewcomerPlaces } from "./request/feed-settings.ts";
import type { Reader } from "./request/reader.ts";
import { isExplorationEnabled } from "./selection/exploration.ts";
import { startRetrieval } from "./sources/start-retrieval.ts";

const activeModel: ModelSelector = {
  readContext: (userId, _, read) => read(userId, null),
  chosen: () => null,
  label: () => "",
};

/** Looks for the rest of a feed: its reader's vector and candidates. */
type LookFrom = (context: ContextRow, from: ReadSource) => Promise<Omit<RankingInputs, "isOfReplica">>;

/** What was looked up, with who is to make the page. */
export interface RankingPlan {
  found: RankingInputs;
  chosen: ChosenModel | null;
  label: string;
  makers: BuildPage[];
  promotions: Promotions | null;
}

/**
 * A whole feed, where its reader wants one that no model makes. `timeout` is that of each statement, `failed` as in `ModelSelector`. Throws AppError, ModelDroppedError, and ChosenModelError where another model
 * than the active one was to serve and cannot.
 */
export async function gatherInputs(
  services: FeedServices,
  reader: Reader,
  page: Page,
  timeout: string,
  span: Span,
  failed: boolean,
): Promise<RankingPlan | FeedResult> {
  const { caller, interests } = reader;
  const { pool, replica } = services;
  const choice = services.plugIns.model ?? activeModel;
  const known = (connection: Connection, { model_id, feature_store }: ContextRow, ids: string[]) =>
    services.commonPosts.known.of(connection, caller.role, model_id, feature_store, ids);
  const ofContext = span("context");
  const find = async <Row extends ContextRow | ReaderRow>(
    primary: Connection,
    read: Row | undefined,
    lookBy: (read: Row, look: LookFrom) => Promise<RankingInputs>,
  ) => {
    ofContext();
    if (!read) throw new AppError(503, "not_installed", "recsys.settings is empty: insert its one row");
    if (!read.known) throw unknownUser();
    if (read.feed === "following" && !page.given) return await followingFeed(primary, caller.sub as string, read, page);
    const chosen = choice.chosen(read);
    if (chosen && chosen.id !== read.model_id) throw new ChosenModelError(chosen, "does not serve any more");
    const failing = (error: unknown) => {
      throw chosen && isModelError(error) ? new ChosenModelError(chosen, "cannot serve", error) : error;
    };
    const model = await feedModel(services.models, read, primary).catch(failing);
    // what visitors are shown is not counted, so they would try posts for nothing, as would who wants no personalisation
    const askTrials = async ({
      settings,
      feature_store,
      now,
    }: Pick<ContextRow, "settings" | "feature_store" | "now">) =>
      caller.sub !== undefined && !page.given && read.feed === "personal" && isExplorationEnabled(settings)
        ? await services.trials.of(primary, caller.role, feature_store, Number(now))
        : null;
    const found = await lookBy(read, async (row, { connection, version, own }) => {
      const told = userInput(row);
      const settings = withNewcomerPlaces(
        settingsForHistory(row.settings, told.history.length),
        page.limit,
        page.served.seed,
      );
      const context: ContextRow = { ...row, settings };
      // first, since the tower reads no more than some words
      const input = context.feed === "impersonal" ? told : { ...told, passions: [...interests, ...told.passions] };
      const asOf = { ...context, feature_store: version };
      const candidatesFor = startRetrieval(connection, services.commonPosts, caller, asOf, page, span, own);
      const ofTower = span("user_tower");
      const vector = model && (await embedUser(model.tower, input).catch(failing));
      ofTower();
      const [{ posts, ofCaller, originals }, own_history, trials] = await Promise.all([
        candidatesFor(vector),
        model && readHistoryComponents(model.ranker, row.history_posts ?? [], (ids) => known(connection, asOf, ids)),
        // a replica may be given up meanwhile, and the primary's connection with it
        connection === primary ? askTrials(context) : null,
      ]);
      if (own_history) context.own_history = own_history;
      return { context, model, input, vector, posts, ofCaller, originals, trials };
    });
    if (found.isOfReplica) found.trials = await askTrials(found.context);
    const inputs = { connection: primary, reader, page, found, span };
    const makers = page.given ? [] : await preparedMakers(inputs, services);
    const promotions = page.given ? null : await promoted(inputs, services);
    if (promotions) found.posts = [...found.posts, ...promotions.posts];
    return { found, chosen, label: choice.label(found.context), makers, promotions };
  };
  const readBy = <Row>(read: Parameters<typeof choice.readContext<Row>>[2]) =>
    choice.readContext(caller.sub ?? null, failed, read);
  if (replica?.isUsable())
    return await readAs(
      pool,
      caller,
      readBy(readReader),
      (primary, [read]) =>
        find(primary, read, (row, look) => gatherFromReplica(replica, primary, caller, row, page, look, span)),
      timeout,
    );
  return await readAs(
    pool,
    caller,
    readBy(readContext),
    (primary, [read]) => {
      replica?.lookAgain(primary);
      return find(primary, read, async (row, look) => {
        const found = await look(row, { connection: primary, version: row.feature_store });
        return { ...found, isOfReplica: false };
      });
    },
    timeout,
  );
}

/** Who may make the page, one after another, since they share the connection. */
async function preparedMakers(asked: PageInputs, services: FeedServices): Promise<BuildPage[]> {
  const makers: BuildPage[] = [];
  for (const maker of services.plugIns.pages) {
    const make = await maker.prepare(asked, services);
    if (make) makers.push(make);
  }
  return makers;
}

/** What is promoted; a feed without that is still a feed. */
async function promoted(asked: PageInputs, services: FeedServices): Promise<Promotions | null> {
  try {
    return (await services.plugIns.promoter?.prepare(asked, services)) ?? null;
  } catch (error) {
    services.log("promotions_failed", error);
    return null;
  }
}
