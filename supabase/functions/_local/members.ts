/**
 * Lists the community's members at /local/members, on this machine only, to choose one to act as. A real app
 * has no such page: its users sign in.
 */

import { Hono } from "hono";
import { sql } from "kysely";
import type { Pool } from "../_shared/database/database.ts";
import { db } from "../_shared/database/query.ts";
import { runAsOwner } from "./as-caller.ts";

export interface Member {
  user_id: string;
  external_id: string | null;
  passions: string[];
  /** Number of views, votes and comments so far. */
  interactions: number;
  /** Their e-mail address for supabase-js. */
  email: string;
}

const domain = "members.invalid";

/** A member's e-mail address on this machine; .invalid is a reserved domain (RFC 2606). */
export function emailOf(userId: string): string {
  return `${userId}@${domain}`;
}

/** The id of the user with this e-mail address: a member's as above, or one signed up here. */
export async function memberOfEmail(pool: Pool, email: string): Promise<string | undefined> {
  const id = /^([0-9a-f-]{36})@members\.invalid$/i.exec(email)?.[1];
  const [found] = await runAsOwner<{ id: string }>(pool, {
    text: `select id from auth.users where email = lower($1)
           union all select user_id from recsys.source_users where user_id::text = lower($2)`,
    values: [email, id ?? null],
  });
  return found?.id;
}

/** Whether a Supabase Auth stores its sessions in this database. */
export async function hasRealAuth(pool: Pool): Promise<boolean> {
  const [{ real }] = await runAsOwner<{ real: boolean }>(pool, {
    text: "select to_regclass('auth.refresh_tokens') is not null as real",
    values: [],
  });
  return real;
}

/** GET /?search=…: at most 20 members, most active first. */
export function membersPage(pool: Pool): Hono {
  const members = new Hono();
  members.get("/", async (c) => {
    if (await hasRealAuth(pool)) return c.json([]);
    const search = (c.req.query("search") ?? "").slice(0, 100);
    const found = await runAsOwner(pool, foundMembers(search));
    return c.json(found.map((member): Member => ({ ...member, email: emailOf(member.user_id) })));
  });
  members.onError((error, c) => {
    console.error(`members: ${error.message}`);
    return c.json({ message: "the database does not answer; try again" }, 503);
  });
  return members;
}

function foundMembers(search: string) {
  const members = db
    .selectFrom("recsys.source_users as users")
    .leftJoin("recsys_engine.latest_user_stats as stats", "stats.user_id", "users.user_id")
    .select(({ ref }) => [
      "users.user_id",
      "users.external_id",
      sql<string[]>`coalesce(array_remove((${ref("users.passions")})[:5], null), '{}')`.as("passions"),
      sql<number>`coalesce(${ref("stats.views")} + ${ref("stats.votes")} + ${ref("stats.comments")}, 0)`.as(
        "interactions",
      ),
    ])
    .orderBy("interactions", "desc")
    .orderBy("users.user_id")
    .limit(20);
  if (search === "") return members;
  return members.where(({ ref }) => {
    const words = sql`concat_ws(' ', ${ref("users.external_id")}, ${ref("users.user_id")}, array_to_string(${ref("users.passions")}, ' '))`;
    return sql<boolean>`position(lower(${search}) in lower(${words})) > 0`;
  });
}
