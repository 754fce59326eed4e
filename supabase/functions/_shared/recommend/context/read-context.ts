import { type Expression, sql } from "kysely";
import type { Query } from "../../database/database.ts";
import { db, fn } from "../../database/query.ts";
import type { RecentInteraction } from "../../features/recent-habit.ts";
import type { Components } from "../../features/vector-match.ts";
import type { UserTextRow } from "../../towers/user-input.ts";
import type { FeedSettings } from "../request/feed-settings.ts";

/** What one feed needs to know first: the instant, the model, the settings, and the user. */
export interface ContextRow extends UserTextRow {
  now: Date;
  /** The model that was assigned to the user, or the active one; null: none is active. */
  model_id: number | null;
  model_name: string | null;
  feature_spec_digest: string | null;
  settings: FeedSettings;
  /** The assignments of the user besides settings and model, for plugins that read them; null: none. */
  assigned: object | null;
  /** recsys_engine.feature_store_version. */
  feature_store: number;
  /** Where the user belongs (recsys.source_memberships), in order. */
  scopes: string[];
  /** false: no such user, and everything below is null. */
  known: boolean;
  created_at: Date;
  last_active_at: Date | null;
  views: number | null;
  votes: number | null;
  comments: number | null;
  logins: number | null;
  recent: number[] | null;
  recent_logins: number[] | null;
  habit_log_age: number | null;
  habit_log_idle: number | null;
  follows: number | null;
  followed: string | null;
  recent_interactions: NamedInteraction[];
  /** Which posts the vectors of `history` are. */
  history_posts: string[];
  /** `readHistoryComponents`, which is read after the context. */
  own_history?: Components[] | undefined;
  /** recsys_engine.feed_preference. Of an impersonal feed nothing of its reader is known. */
  feed: "personal" | "following" | "impersonal";
}

/** A recent interaction with the post that it was with. */
export interface NamedInteraction extends RecentInteraction {
  post_id: string;
}

/** What the primary says of a feed whose posts a replica finds. */
export interface ReaderRow extends Omit<ContextRow, keyof UserRow>, Pick<ContextRow, "feed"> {
  /** recsys_engine.reader_profile, as text, of the rows that the caller may read now. */
  reader: string;
}

/** A row of recsys_engine.user_context. */
type UserRow = Omit<
  ContextRow,
  | "now"
  | "model_id"
  | "model_name"
  | "feature_spec_digest"
  | "settings"
  | "assigned"
  | "feature_store"
  | "known"
  | "scopes"
>;

/** What recsys_engine.feed_context takes, as an expression in SQL; null for most. */
type Assigned = Expression<unknown> | null;

/** A hundred of them, a hundred letters of each. */
function scopesOf(userId: string | null) {
  if (userId === null) return sql<string[]>`'{}'::text[]`.as("scopes");
  const scopes = db
    .selectFrom("recsys.source_memberships")
    .distinct()
    .select(sql<string>`left(scope, 100)`.as("scope"))
    .where("user_id", "=", userId)
    .where("scope", "is not", null)
    .orderBy("scope")
    .limit(100);
  return sql<string[]>`array(${scopes})`.as("scopes");
}

/** Model, settings and user (null: a visitor) as of recsys.clock(), in one row. */
export function readContext(userId: string | null, assigned: Assigned = null): Query<ContextRow> {
  return db
    .selectFrom(fn("recsys_engine.feed_context", { p_assigned: assigned }).as("feed"))
    .leftJoinLateral(
      ({ ref }) =>
        fn("recsys_engine.user_context", {
          p_user_id: userId,
          p_model_id: ref("feed.model_id"),
          p_now: ref("feed.now"),
        }).as("context"),
      (join) => join.onTrue(),
    )
    .selectAll("feed")
    .select(({ ref }) => [sql<boolean>`${ref("context.created_at")} is not null`.as("known"), scopesOf(userId)])
    .selectAll("context") as Query<ContextRow>;
}

/** The same with what is the user's own alone; `readReaderContext` says the rest, anywhere. */
export function readReader(userId: string | null, assigned: Assigned = null): Query<ReaderRow> {
  return db
    .selectFrom(fn("recsys_engine.feed_context", { p_assigned: assigned }).as("feed"))
    .innerJoinLateral(
      ({ ref }) => fn("recsys_engine.load_reader_profile", { p_user_id: userId, p_now: ref("feed.now") }).as("reader"),
      (join) => join.onTrue(),
    )
    .selectAll("feed")
    .select(() => [
      sql<boolean>`reader.created_at is not null`.as("known"),
      scopesOf(userId),
      sql<ContextRow["feed"]>`reader.feed`.as("feed"),
      sql<string>`recsys_engine.keep_readable_interactions(reader)::text`.as("reader"),
    ]) as unknown as Query<ReaderRow>;
}

/** What of a reader is everybody's: the vectors and states of what they did. */
export function readReaderContext({ reader, model_id }: Pick<ReaderRow, "reader" | "model_id">): Query<UserRow> {
  const p_reader = sql`${reader}::recsys_engine.reader_profile`;
  return db
    .selectFrom(fn("recsys_engine.reader_context", { p_reader, p_model_id: model_id }).as("context"))
    .selectAll("context") as unknown as Query<UserRow>;
}
