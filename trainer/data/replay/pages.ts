/** Pages that were shown, out of the exposure log. */
import { type RawBuilder, sql } from "kysely";
import type { PoolClient } from "pg";
import { rows } from "../../../db/cursor.ts";
import { run } from "../../../supabase/functions/_shared/database/database.ts";
import { countOf, db, fn, milliseconds } from "../../../supabase/functions/_shared/database/query.ts";
import { type OptionalHead, optionalHeads } from "../../../supabase/functions/_shared/features/kinds.ts";
import { pagesCap } from "./per-user-cap.ts";
import type { Numbers } from "./read-timeline.ts";

/** One feed's posts, as shown to a user; users and posts by number. */
export interface ShownPage {
  user: number;
  at: number;
  posts: number[];
  /** The place of each, from 1. */
  positions: number[];
  /** By post; left out: unknown. */
  told?: OptionalHeadLabels[];
}

/** A person's response to a shown post within a day, for the optional heads: 1 or 0; left out: unknown. */
export type OptionalHeadLabels = Partial<Record<OptionalHead, number>>;

/** How far back the exposure log is read, in days. */
export const daysOfPages = 28;

/**
 * At most about `most` pages of the last 28 days of the log, up to pagesCap a person and day; where there are more, those whose
 * request ids a hash picks; in order of time. Where the app reported posts of a page as seen, the others were not shown.
 */
export async function readPages(client: PoolClient, numbers: Numbers, most: number): Promise<ShownPage[]> {
  const last = db
    .selectFrom("recsys_engine.recommended_impressions")
    .select(({ fn }) => fn.max("shown_at").as("shown_at"));
  const since = sql<Date>`${last} - ${`${daysOfPages} days`}::interval`;
  // by the index of each person: what one of them was shown beyond their share is not read
  const latest = db
    .selectFrom("recsys_engine.recommended_impressions as shown")
    .select(["shown_at", "request_id"])
    .where((row) => sql<boolean>`${row.ref("shown.user_id")} = people.user_id`)
    .where("shown_at", ">", since)
    .groupBy(["shown_at", "request_id"])
    .orderBy("shown_at", "desc")
    .limit(daysOfPages * pagesCap.perDay);
  const ofPeople = db
    .selectFrom("recsys.source_users as people")
    .innerJoinLateral(latest.as("latest"), (join) => join.onTrue())
    .select(["shown_at", "request_id"])
    .select((row) =>
      sql<number>`row_number() over (partition by ${row.ref("people.user_id")}, (${row.ref("shown_at")} at time zone 'UTC')::date order by ${row.ref("shown_at")} desc)`.as(
        "of_day",
      ),
    );
  const chosen = db
    .selectFrom(ofPeople.as("pages"))
    .select(["shown_at", "request_id"])
    .where("of_day", "<=", pagesCap.perDay);
  const [counted] = await run(client, db.selectFrom(chosen.as("chosen")).select(countOf().as("pages")));
  const oneIn = Math.max(1, Math.ceil(counted.pages / most));
  const query = db
    .with(
      (cte) => cte("shown").materialized(),
      () =>
        db
          .selectFrom(chosen.as("chosen"))
          .innerJoin("recsys_engine.recommended_impressions as shown", (join) =>
            join.onRef("shown.request_id", "=", "chosen.request_id").onRef("shown.shown_at", "=", "chosen.shown_at"),
          )
          .select(["shown.request_id", "shown.user_id", "post_id", "position", "shown.shown_at", "seen_at"])
          // of few pages by their index: PostgreSQL takes this for one row in 200, and with it on the other side it compared 97,000 rows
          // with each of 9,700 pages, over 80 s instead of 3
          .where(
            (row) => sql<boolean>`pg_catalog.hashtext(${row.ref("chosen.request_id")}::text) % ${oneIn}::integer = 0`,
          ),
    )
    .with(
      (cte) => cte("labels").materialized(),
      (given) =>
        given
          .selectFrom((labels) =>
            fn("recsys_engine.optional_head_labels", {
              p_from: labels.selectFrom("shown").select((shown) => shown.fn.min("shown_at").as("first")),
              p_to: labels
                .selectFrom("shown")
                .select((shown) => sql`${shown.fn.max("shown_at")} + interval '1 second'`.as("last")),
            }).as("told"),
          )
          .select(["request_id", "post_id", sql<string>`string_agg(head, ' ')`.as("heads")])
          .groupBy(["request_id", "post_id"]),
    )
    .selectFrom("shown")
    .leftJoin("labels", (join) =>
      join.onRef("labels.request_id", "=", "shown.request_id").onRef("labels.post_id", "=", "shown.post_id"),
    )
    .select((row) => {
      const inOrder = <T>(value: RawBuilder<T>) => sql<T[]>`array_agg(${value} order by position)`;
      return [
        milliseconds(row.ref("shown_at")).as("at"),
        "shown.user_id",
        inOrder(sql<string>`${row.ref("shown.post_id")}::text`).as("posts"),
        inOrder(sql<number>`${row.ref("position")}`).as("positions"),
        inOrder(sql<boolean>`${row.ref("seen_at")} is not null`).as("seen"),
        inOrder(sql<string>`coalesce(${row.ref("labels.heads")}, '')`).as("heads"),
      ];
    })
    .groupBy(["shown_at", "shown.request_id", "shown.user_id"])
    .orderBy("shown_at")
    .orderBy("shown.request_id");
  const told = await run(client, db.selectFrom("recsys_engine.heads").select("head").where("is_known", "=", true));
  const known = optionalHeads.filter((head) => told.some((row) => row.head === head));
  const pages: ShownPage[] = [];
  for await (const { at, user_id, posts, positions, seen, heads } of rows(client, query)) {
    const user = numbers.users.get(user_id);
    if (user === undefined) continue;
    const page: Required<ShownPage> = { user, at, posts: [], positions: [], told: [] };
    const tells = seen.includes(true);
    for (const [i, id] of posts.entries()) {
      const post = numbers.posts.get(id);
      if (post === undefined || (tells && !seen[i])) continue;
      page.posts.push(post);
      page.positions.push(positions[i]);
      const did = heads[i].split(" ");
      page.told.push(Object.fromEntries(known.map((head) => [head, Number(did.includes(head))])));
    }
    if (page.posts.length > 0) pages.push(page);
  }
  return pages;
}
