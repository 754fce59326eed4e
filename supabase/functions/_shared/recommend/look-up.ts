/** The stages that ask the database, in one transaction: context, user tower, candidates, and what those who make pages need. */
import { readAs } from "../database/caller.ts";
import type { Connection } from "../database/database.ts";
import { AppError } from "../http/errors.ts";
import type { Span } from "../http/span.ts";
import { embedUser } from "../towers/embed-users.ts";
import { userInput } from "../towers/user-input.ts";
import { beginCandidates } from "./candidates.ts";
import type { Page } from "./cursor.ts";
import { feedModel, isModelError } from "./feed-model.ts";
import { settingsFor } from "./feed-settings.ts";
import { followingFeed } from "./following-feed.ts";
import { type ContextRow, readContext } from "./read-context.ts";
import type { Reader } from "./reader.ts";
import {
  type Chosen,
  ChosenModelFailed,
  type FeedServices,
  type LookedUp,
  type MakePage,
  type ModelChoice,
  type PageInputs,
  type Promotions,
  type Recommendation,
} from "./seams.ts";
import { triesPosts } from "./select/exploration.ts";

const activeModel: ModelChoice = {
  readContext: (userId) => readContext(userId),
  chosen: () => null,
  label: () => "",
};

/** What was looked up, with who is to make the page. */
export interface ToRank {
  found: LookedUp;
  chosen: Chosen | null;
  label: string;
  makers: MakePage[];
  promotions: Promotions | null;
}

/**
 * A whole feed, where its reader wants one that no model makes. `timeout` is that of each statement, `failed` as in `ModelChoice`. Throws AppError, ModelGone, and ChosenModelFailed where another model
 * than the active one was to serve and cannot.
 */
export async function lookUp(
  services: FeedServices,
  reader: Reader,
  page: Page,
  timeout: string,
  span: Span,
  failed: boolean,
): Promise<ToRank | Recommendation> {
  const { caller, interests } = reader;
  const choice = services.plugIns.model ?? activeModel;
  const ofContext = span("context");
  const find = async (connection: Connection, [read]: ContextRow[]) => {
    ofContext();
    if (!read) throw new AppError(503, "not_installed", "recsys.settings is empty: insert its one row");
    if (!read.known) throw new AppError(404, "unknown_user", "this user has no profile yet: create one first");
    const known = userInput(read);
    const context = { ...read, settings: settingsFor(read.settings, known.history.length) };
    if (context.feed === "following" && !page.given)
      return await followingFeed(connection, caller.sub as string, context, page);
    const chosen = choice.chosen(context);
    if (chosen && chosen.id !== context.model_id) throw new ChosenModelFailed(chosen, "does not serve any more");
    // first, since the tower reads no more than some words
    const input = context.feed === "impersonal" ? known : { ...known, passions: [...interests, ...known.passions] };
    const failing = (error: unknown) => {
      throw chosen && isModelError(error) ? new ChosenModelFailed(chosen, "cannot serve", error) : error;
    };
    const model = await feedModel(services.models, context, connection).catch(failing);
    const candidatesFor = beginCandidates(connection, services.commonPosts, caller, context, page, span);
    const ofTower = span("user_tower");
    const vector = model && (await embedUser(model.tower, input).catch(failing));
    ofTower();
    // what visitors are shown is not counted, so they would try posts for nothing, as would who wants no personalisation
    const mayTry =
      caller.sub !== undefined && !page.given && context.feed === "personal" && triesPosts(context.settings);
    const [{ posts, ofCaller, originals }, trials] = await Promise.all([
      candidatesFor(vector),
      mayTry ? services.trials.of(connection, caller.role, context.feature_store, Number(context.now)) : null,
    ]);
    const found = { context, model, input, vector, posts, ofCaller, originals, trials };
    const makers = page.given ? [] : await preparedMakers({ connection, reader, page, found, span }, services);
    const promotions = page.given ? null : await promoted({ connection, reader, page, found, span }, services);
    if (promotions) found.posts = [...posts, ...promotions.posts];
    return { found, chosen, label: choice.label(context), makers, promotions };
  };
  return await readAs(services.pool, caller, choice.readContext(caller.sub ?? null, failed), find, timeout);
}

/** Who may make the page, one after another, since they share the connection. */
async function preparedMakers(asked: PageInputs, services: FeedServices): Promise<MakePage[]> {
  const makers: MakePage[] = [];
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
