import { type Selectable, sql } from "kysely";
import type { ClientBase } from "pg";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { countOf, db, unnest } from "../../supabase/functions/_shared/database/query.ts";
import type { DB } from "../../supabase/functions/_shared/database/schema.ts";
import type { Kind } from "../../supabase/functions/_shared/features/kinds.ts";
import type { InteractionRecord } from "../bundle/records.ts";
import { plainArray } from "./array-literal.ts";
import type { Written } from "./import-part.ts";

/**
 * Inserts interactions, each kind into its table; resolves to how many were new.
 * The ids ascend in the order given, so that interactions of the same instant keep it.
 */
export async function insertInteractions(
  client: ClientBase,
  interactions: InteractionRecord[],
  users: string[],
  posts: string[],
): Promise<Written> {
  const given = db
    .selectFrom(
      unnest({
        user_id: ["uuid", plainArray(users)],
        post_id: ["uuid", plainArray(posts)],
        kind: ["text", plainArray(interactions.map(({ kind }) => kind))],
        value: ["real", plainArray(interactions.map(({ value }) => (value == null ? null : Math.fround(value))))],
        created_at: ["timestamptz", plainArray(interactions.map(({ created_at }) => created_at))],
      }).as("given"),
    )
    .selectAll()
    .orderBy("number");
  const id = sql<number>`nextval('public.interaction_id_seq')`.as("id");
  const written = db
    .with(
      (cte) => cte("numbered").materialized(),
      () => db.selectFrom(given.as("in_order")).selectAll().select(id),
    )
    .with("views", () => insertOf("view", "public.post_views"))
    .with("votes", () => insertOf("vote", "public.post_votes"))
    .with("comments", () => insertOf("comment", "public.comments"))
    .selectNoFrom(({ selectFrom }) => {
      const [views, votes, comments] = (["views", "votes", "comments"] as const).map((of) =>
        selectFrom(of).select(countOf().as("n")),
      );
      return sql<number>`${views} + ${votes} + ${comments}`.as("added");
    });
  const [{ added }] = await run(client, written);
  return { added, updated: 0 };
}

/** Those of a kind, out of what the statement calls numbered. */
function insertOf(kind: Kind, table: "public.post_views" | "public.post_votes" | "public.comments") {
  const columns = ["id", "user_id", "post_id", "value", "created_at"] as const;
  const numbered = db.withTables<{ numbered: Selectable<DB["public.comments"]> & { kind: Kind } }>();
  return numbered
    .insertInto(table)
    .columns(columns)
    .expression(numbered.selectFrom("numbered").select(columns).where("kind", "=", kind))
    .onConflict((row) => row.doNothing())
    .returning("id");
}
