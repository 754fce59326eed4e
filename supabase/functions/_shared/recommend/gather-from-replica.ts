/**
 * A feed whose reader the primary knows, and whose posts a replica finds. What is the reader's own, and has to be as of now, travels to the replica
 * as two texts: who they are (recsys_engine.reader_profile), and what is left out of their feed (recsys_engine.feed_request).
 */
import { sql } from "kysely";
import { type Connection, type Query, run } from "../database/database.ts";
import { db, fn } from "../database/query.ts";
import type { Replica } from "../database/replica.ts";
import type { Identity } from "../database/run-as-caller.ts";
import { AppError, unknownUser } from "../http/errors.ts";
import type { Span } from "../http/span.ts";
import { type ContextRow, type ReaderRow, readReaderContext } from "./context/read-context.ts";
import { ChosenModelError, type RankingInputs } from "./pipeline/types.ts";
import { ModelDroppedError } from "./post-cache/post-cache.ts";
import type { Page } from "./request/cursor.ts";

/** Where the rest of a feed is read: under the caller's role, and as of which recsys_engine.feature_store_version. */
export interface ReadSource {
  connection: Connection;
  version: number;
  /** recsys_engine.feed_request of the primary; undefined: it is the primary that is asked. */
  own?: string | undefined;
}

/** What `look` finds for the reader on the replica, or where that cannot do it, on the primary. Throws what `look` does, or the primary. */
export async function gatherFromReplica(
  replica: Replica,
  primary: Connection,
  caller: Identity,
  read: ReaderRow,
  page: Page,
  look: (context: ContextRow, from: ReadSource) => Promise<Omit<RankingInputs, "isOfReplica">>,
  span: Span,
): Promise<RankingInputs> {
  const asked = run(primary, readOwn(caller, read, page));
  // it is waited for below, unless something else fails before
  asked.catch(() => undefined);
  const lookFrom = async (from: ReadSource) => {
    const [user] = await run(from.connection, readReaderContext(read));
    return user ? await look({ ...read, ...user }, from) : null;
  };
  const ended = span("replica");
  const done = await replica.read(primary, caller, async (connection, version) => {
    const [{ own }] = await asked;
    try {
      const found = await lookFrom({ connection, version, own });
      return found && { found };
    } catch (error) {
      // a model that was published a moment ago
      if (error instanceof ModelDroppedError) return null;
      // no fault of the replica's
      if (error instanceof AppError || error instanceof ChosenModelError) return { error };
      throw error;
    }
  });
  ended();
  if (done && "error" in done) throw done.error;
  if (done) return { ...done.found, isOfReplica: true };
  const found = await lookFrom({ connection: primary, version: read.feature_store });
  if (!found) throw unknownUser();
  return { ...found, isOfReplica: false };
}

/** What recsys_engine.feed_candidates takes as p_request, as text. */
function readOwn({ sub }: Identity, { model_id }: ReaderRow, page: Page): Query<{ own: string }> {
  const { served, filter, given } = page;
  const p_request = fn("recsys_engine.feed_request", {
    p_user_id: sub ?? null,
    p_now: fn("recsys.clock", {}),
    p_filter: filter ? JSON.stringify(filter) : null,
    p_seed: String(served.seed),
    p_served: given ? null : served.keys,
  });
  const own = fn("recsys_engine.with_engaged_posts", { p_request, p_model_id: model_id });
  return db.selectNoFrom(sql<string>`(${own})::text`.as("own"));
}
