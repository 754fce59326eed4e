/** The events of recsys_engine.timeline: all of them, or the latest ones with what they need from the time before them. */
import {
  type AliasedExpression,
  type Expression,
  type InferResult,
  type RawBuilder,
  type Selectable,
  sql,
} from "kysely";
import type { PoolClient } from "pg";
import { rows, rowsPerPage } from "../../../db/cursor.ts";
import type { OnProgress } from "../../../db/progress.ts";
import { run } from "../../../supabase/functions/_shared/database/database.ts";
import { countOf, db, fn, milliseconds } from "../../../supabase/functions/_shared/database/query.ts";
import type { DB } from "../../../supabase/functions/_shared/database/schema.ts";
import { halfLives } from "../../../supabase/functions/_shared/features/decay.ts";
import { type Kind, kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { retrieval } from "../../../supabase/functions/_shared/features/retrieval.ts";
import {
  isTime,
  login,
  type PostStats,
  postColumns,
  Timeline,
  type TimelineEvent,
  type UserStats,
} from "./timeline.ts";

/** The number of each id. */
export interface Numbers {
  users: Map<string, number>;
  posts: Map<string, number>;
}

/**
 * The whole timeline, or one bounded to the `latest` events or where states were thinned; see `communityFromDatabase`. Of a person who did more than
 * `ofPerson` things the latest are read.
 */
export async function readTimeline(
  client: PoolClient,
  numbers: Numbers,
  { latest, ofPerson }: { latest: number; ofPerson: number },
  onProgress: OnProgress,
): Promise<Timeline> {
  const timeline = new Timeline();
  const start = await startOf(client, latest, ofPerson);
  if (start !== undefined) {
    await readHistory(client, timeline, numbers, start);
    await readStates(client, timeline, numbers, lastStatesBefore(start));
    timeline.wholeFrom = timeline.length;
  }
  const busy = await busyPeople(client, start, ofPerson);
  const counted = db.selectFrom("recsys_engine.user_stats").select(countOf().as("total")).where(isNoneOf(busy));
  const [{ total: ofOthers }] = await run(
    client,
    start ? counted.where((row) => isBefore(row.ref("last_active_at"), row.ref("sort_id"), start, ">=")) : counted,
  );
  // no person is busy where everything of all is read
  const total = ofOthers + (busy.length > 0 ? busy.length * ofPerson : 0);
  function progress(done: number): void {
    onProgress({ step: "reading the timeline", done, total });
  }
  await readStates(client, timeline, numbers, eventsSince(start, busy), progress);
  progress(total);
  return timeline;
}

/** An instant and the number of an event at it. */
interface TimelineStart {
  at: string;
  sort_id: string;
}

/** Whether an event comes before a start, or not. */
function isBefore(
  at: Expression<Date>,
  sortId: Expression<number>,
  start: TimelineStart,
  is: "<" | "<=" | ">=" = "<",
): RawBuilder<boolean> {
  return sql`(${at}, ${sortId}) ${sql.raw(is)} (${start.at}::timestamptz, ${start.sort_id}::bigint)`;
}

/** Where the last `count` events begin, of each person so many at most, or, if that is later, the states that were not thinned. undefined: at the beginning. */
async function startOf(client: PoolClient, count: number, ofPerson: number): Promise<TimelineStart | undefined> {
  const earliest = fn("recsys_engine.training_start", { p_events: bounded(count), p_of_a_person: bounded(ofPerson) });
  const query = db
    .selectFrom("recsys_engine.pruning_progress")
    .leftJoin(earliest.as("earliest"), (join) => join.onTrue())
    .select((row) => [
      sql<string>`greatest(${row.ref("at")}, ${row.ref("thinned_before")})::text`.as("at"),
      sql<string>`case when ${row.ref("at")} >= ${row.ref("thinned_before")} then ${row.ref("sort_id")} else -9223372036854775808 end::text`.as(
        "sort_id",
      ),
    ])
    .where((row) => sql<boolean>`${row.ref("at")} is not null or ${row.ref("thinned_before")} > '-infinity'`);
  return (await run(client, query))[0];
}

function bounded(count: number): number {
  return Math.min(count, Number.MAX_SAFE_INTEGER);
}

/** A person with too many events since a start, and the last event that is left out. */
interface BusyPerson extends TimelineStart {
  user_id: string;
}

async function busyPeople(
  client: PoolClient,
  start: TimelineStart | undefined,
  ofPerson: number,
): Promise<BusyPerson[]> {
  const beyond = db
    .selectFrom("recsys_engine.user_stats as state")
    .select((row) => ["state.user_id", sql<string>`${row.ref("last_active_at")}::text`.as("at")])
    .select((row) => sql<string>`${row.ref("sort_id")}::text`.as("sort_id"))
    .where((row) => sql<boolean>`${row.ref("state.user_id")} = people.user_id`)
    .orderBy("last_active_at", "desc")
    .orderBy("state.sort_id", "desc")
    .orderBy("event_id", "desc")
    .offset(sql<number>`${bounded(ofPerson)}::bigint`)
    .limit(1);
  const since =
    start && beyond.where((row) => isBefore(row.ref("last_active_at"), row.ref("state.sort_id"), start, ">="));
  const query = db
    .selectFrom("recsys_engine.latest_user_stats as people")
    .innerJoinLateral((since ?? beyond).as("beyond"), (join) => join.onTrue())
    .select(["beyond.user_id", "beyond.at", "beyond.sort_id"]);
  return await run(client, query);
}

function isNoneOf(busy: BusyPerson[]): RawBuilder<boolean> {
  return sql`user_id <> all(${busy.map((person) => person.user_id)}::uuid[])`;
}

/** The events since a start, of busy people their latest. */
function eventsSince(start: TimelineStart | undefined, busy: BusyPerson[]): AliasedExpression<TimelineRow, "timeline"> {
  const whole = db.selectFrom("recsys_engine.timeline").selectAll();
  const since = start ? whole.where((row) => isBefore(row.ref("at"), row.ref("sort_id"), start, ">=")) : whole;
  // nearly always: no person is
  if (busy.length === 0) return since.as("timeline");
  // theirs one by one, by the index of each
  const latest = busy.map((person) =>
    whole
      .where("user_id", "=", person.user_id)
      .where((row) => sql<boolean>`${row.ref("at")} >= ${person.at}::timestamptz`)
      .where((row) => sql<boolean>`not ${isBefore(row.ref("at"), row.ref("sort_id"), person, "<=")}`),
  );
  const others = since.where(isNoneOf(busy));
  return latest.reduce((all, one) => all.unionAll(one), others).as("timeline");
}

/**
 * The last interactions of each user before `start`, as far back as histories go, with what they found when they came. Worked out
 * from the interactions: their states may have been thinned.
 */
async function readHistory(
  client: PoolClient,
  timeline: Timeline,
  numbers: Numbers,
  start: TimelineStart,
): Promise<void> {
  const events = db
    .selectFrom("recsys_engine.interactions_with_bursts as events")
    .innerJoin("recsys.source_posts as posts", "posts.post_id", "events.post_id")
    .select((row) => [
      "events.created_at as at",
      "events.interaction_id as sort_id",
      "events.user_id",
      "events.post_id",
      "events.kind",
      // the first of each kind by each person with each post of another author, without bursts
      sql<boolean>`not ${row.ref("events.in_burst")} and ${row.ref("events.user_id")} is distinct from ${row.ref("posts.author_id")} and row_number() over (
        partition by ${row.ref("events.post_id")}, ${row.ref("events.user_id")}, ${row.ref("events.kind")}, ${row.ref("events.in_burst")}
        order by ${row.ref("events.created_at")}, ${row.ref("events.interaction_id")}) = 1`.as("counts"),
    ])
    .where((row) => isBefore(row.ref("events.created_at"), row.ref("events.interaction_id"), start));
  const before = sql`(partition by post_id order by at, sort_id rows between unbounded preceding and 1 preceding)`;
  const interactions = db
    .selectFrom(events.as("events"))
    .select([
      "at",
      "sort_id",
      "user_id",
      "post_id",
      "kind",
      sql<boolean>`counts and row_number() over (partition by post_id, user_id, counts order by at, sort_id) = 1`.as(
        "first_interaction",
      ),
      sql<Date | null>`max(at) filter (where counts) over ${before}`.as("found_at"),
      sql<number>`(count(*) filter (where counts and kind = 'comment') over ${before})::integer`.as("found_comments"),
    ]);
  const numbered = db
    .selectFrom(interactions.as("interactions"))
    .selectAll()
    .select(sql<number>`row_number() over (partition by user_id order by at desc, sort_id desc)`.as("number"));
  const query = db
    .selectFrom(numbered.as("numbered"))
    .select((row) => [
      milliseconds(row.ref("numbered.at")).as("at"),
      "user_id",
      "post_id",
      "kind",
      "first_interaction",
      milliseconds(row.ref("found_at")).$castTo<number | null>().as("found_at"),
      "found_comments",
      sql.lit(1).as("weight"),
      sql<boolean | null>`null`.as("is_first"),
    ])
    .where("number", "<=", retrieval.historyInteractions)
    .orderBy("numbered.at")
    .orderBy("sort_id");
  for await (const row of rows(client, query)) {
    const event = eventOf(row, numbers);
    if (event) timeline.pushHistory(event, { at: row.found_at, comments: row.found_comments });
  }
}

type TimelineRow = {
  [Name in keyof Selectable<DB["recsys_engine.timeline"]>]: Selectable<DB["recsys_engine.timeline"]>[Name] | null;
};

/**
 * The last state of each post, and the last of each user, before `start`, as rows of recsys_engine.timeline. A row has the state of its post, or of
 * its user, or both. Where it lacks that of its user, a later row has it: the user's last event comes after all others of that user.
 */
function lastStatesBefore(start: TimelineStart): AliasedExpression<TimelineRow, "timeline"> {
  const ofPosts = db
    .selectFrom("recsys_engine.post_stats")
    .distinctOn("post_id")
    .selectAll()
    .where((row) => isBefore(row.ref("last_active_at"), row.ref("interaction_id"), start))
    .orderBy("post_id")
    .orderBy("last_active_at", "desc")
    .orderBy("interaction_id", "desc");
  const ofUsers = db
    .selectFrom("recsys_engine.user_stats")
    .distinctOn("user_id")
    .selectAll()
    .where((row) => isBefore(row.ref("last_active_at"), row.ref("sort_id"), start))
    .orderBy("user_id")
    .orderBy("last_active_at", "desc")
    .orderBy("sort_id", "desc")
    .orderBy("event_id", "desc");
  return db
    .selectFrom(ofPosts.as("post"))
    .fullJoin(ofUsers.as("of_user"), (join) =>
      join.on((row) => sql<boolean>`${row.ref("of_user.event_id")} = ${row.ref("post.interaction_id")}::text`),
    )
    .select((row) => [
      row.fn.coalesce("post.last_active_at", "of_user.last_active_at").as("at"),
      row.fn.coalesce("post.interaction_id", "of_user.sort_id").as("sort_id"),
      row.fn.coalesce("post.user_id", "of_user.user_id").as("user_id"),
      "of_user.event_id",
      "post.post_id",
      sql<string>`coalesce(${row.ref("post.kind")}, 'login')`.as("kind"),
      "of_user.views as user_views",
      "of_user.votes as user_votes",
      "of_user.comments as user_comments",
      "of_user.logins",
      "of_user.habit_log_age",
      "of_user.habit_log_idle",
      "of_user.recent as user_recent",
      "of_user.recent_logins",
      sql.lit(1).as("weight"),
      sql<boolean | null>`null`.as("is_first"),
    ])
    .as("timeline");
}

/** Events of recsys_engine.timeline with the state they left, in order of time. */
async function readStates(
  client: PoolClient,
  timeline: Timeline,
  numbers: Numbers,
  from: AliasedExpression<TimelineRow, "timeline">,
  progress: (done: number) => void = () => {},
): Promise<void> {
  for await (const row of rows(client, statesOf(from))) {
    const event = eventOf(row, numbers);
    if (!event) continue;
    const post = row.first_interaction === null ? null : postStatsOf(row);
    timeline.push(event, post, row.user_comments === null ? null : userStatsOf(row));
    if (timeline.length % rowsPerPage === 0) progress(timeline.length - timeline.wholeFrom);
  }
}

function statesOf(from: AliasedExpression<TimelineRow, "timeline">) {
  return db
    .selectFrom(from as AliasedExpression<Selectable<DB["recsys_engine.timeline"]>, "timeline">)
    .leftJoin("recsys_engine.post_stats as post", (join) =>
      join.onRef("post.interaction_id", "=", "timeline.sort_id").on("timeline.post_id", "is not", null),
    )
    .select((row) => [
      milliseconds(row.ref("timeline.at")).as("at"),
      ...([
        "timeline.user_id",
        "timeline.post_id",
        "timeline.kind",
        "post.first_interaction",
        "is_first",
        "weight",
      ] as const),
      ...(["user_views", "user_votes", "user_comments", "logins", "habit_log_age", "habit_log_idle"] as const),
      ...(["user_recent", "recent_logins"] as const).flatMap((name) => elements(row.ref(name), name)),
      ...postColumns.map((name) => stateColumn(row.ref(`post.${name}`), name)),
      ...elements(row.ref("post.recent"), "post_recent"),
    ])
    .orderBy("timeline.at")
    .orderBy("timeline.sort_id");
}
type StateRow = InferResult<ReturnType<typeof statesOf>>[number];

function stateColumn(column: Expression<unknown>, name: string) {
  return sql<unknown>`${isTime(name) ? milliseconds(column as Expression<Date>) : column}`.as(`post_${name}`);
}

function postStatsOf(row: StateRow): PostStats {
  const stats: Record<string, unknown> = { recent: numbersOf(row, "post_recent") };
  for (const name of postColumns) stats[name] = (row as Record<string, unknown>)[`post_${name}`];
  return stats as unknown as PostStats;
}

function userStatsOf(row: StateRow): UserStats {
  const { logins, habit_log_age, habit_log_idle } = row;
  return {
    views: row.user_views,
    votes: row.user_votes,
    comments: row.user_comments,
    ...{ logins, habit_log_age, habit_log_idle },
    recent: numbersOf(row, "user_recent"),
    recent_logins: numbersOf(row, "recent_logins"),
  };
}

/** The elements of an array of decayed counts, each as a column: the driver parses numbers faster than arrays. */
function elements(array: Expression<number[] | null>, name: string) {
  return halfLives.map((_, h) => sql<number>`(${array})[${sql.lit(h + 1)}]`.as(`${name}_${h}`));
}

function numbersOf(row: object, array: string): number[] {
  return halfLives.map((_, h) => (row as Record<string, number>)[`${array}_${h}`]);
}

type EventRow = Pick<StateRow, "at" | "user_id" | "post_id" | "kind" | "first_interaction" | "weight"> & {
  is_first: boolean | null;
};

/** undefined where the source views no longer show the user or the post. */
function eventOf(row: EventRow, { users, posts }: Numbers): TimelineEvent | undefined {
  const post = row.post_id === null ? -1 : posts.get(row.post_id);
  const user = users.get(row.user_id);
  if (post === undefined || user === undefined) return undefined;
  const kind = row.kind === "login" ? login : kinds.indexOf(row.kind as Kind);
  return { at: row.at, user, post, kind, isFirst: row.is_first ?? row.first_interaction === true, weight: row.weight };
}
