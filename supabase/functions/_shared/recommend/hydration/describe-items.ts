/** Describes posts for cards. Reads them last and under the reader's role, since cached posts may hold text that the reader may not read. */
import { type Expression, sql } from "kysely";
import type { Pool, Query } from "../../database/database.ts";
import { db, fn, listOf, textOf } from "../../database/query.ts";
import { type Identity, readAs } from "../../database/run-as-caller.ts";
import type { Page } from "../request/cursor.ts";
import type { FeedItem } from "../request/feed-schema.ts";

type Description = Pick<FeedItem, "app_id" | "title" | "author_id" | "created_at" | "tags" | "excerpt">;

/** More tags than a card shows. */
const mostTags = 10;
/** Of how many letters a text is read for its excerpt: enough, whatever white space is among them. */
const lettersRead = 400;
/** An excerpt has at most so many: two lines of a card. */
const most = 200;

/** Of an item that is not described yet, or cannot be. */
export function emptyDescription(post_id: string): Omit<Description, "title"> {
  return { app_id: appIdOf(post_id), author_id: null, created_at: null, tags: [], excerpt: "" };
}

/** What was read of posts, by id. */
export type Descriptions = Map<string, DescriptionRow>;

/** Describes items by what was read of them (`described`), or is read now; what their reader may not read any more stays undescribed. */
export async function describeItems(
  pool: Pool,
  caller: Identity,
  items: FeedItem[],
  timeout: string,
  described?: Descriptions,
): Promise<void> {
  if (items.length === 0) return;
  const ids = items.map(({ post_id }) => post_id);
  const known = described ?? (await descriptionsOf(pool, caller, readDescriptions(ids), timeout));
  for (const item of items) {
    const row = known.get(item.post_id);
    if (!row) continue;
    const { app_id, title, author_id, created_at, tags, text } = row;
    Object.assign(item, {
      app_id,
      title,
      author_id,
      // an app may have times without an end
      created_at: created_at instanceof Date ? created_at.toISOString() : null,
      tags,
      excerpt: excerptOf(text),
    } satisfies Description);
  }
}

/** Reads the posts of a page that the reader may see now (recsys_engine.visible_posts), and those that reasons name. Throws AppError. */
export async function describeVisiblePosts(
  pool: Pool,
  caller: Identity,
  ids: string[],
  named: string[],
  { filter, given }: Page,
  timeout: string,
): Promise<{ shown: Descriptions; named: Descriptions }> {
  const shown = fn("recsys_engine.visible_posts", {
    p_user_id: caller.sub ?? null,
    p_post_ids: ids,
    p_filter: filter ? JSON.stringify(filter) : null,
    p_is_named: given !== undefined,
  });
  const asked = new Set(ids);
  const others = named.filter((id) => !asked.has(id));
  // asked once, and not of each post
  const statement = readDescriptions(sql`(select ${shown} || ${others}::uuid[])::uuid[]`);
  const rows = [...(await descriptionsOf(pool, caller, statement, timeout))];
  return {
    shown: new Map(rows.filter(([id]) => asked.has(id))),
    named: new Map(rows.filter(([id]) => !asked.has(id))),
  };
}

async function descriptionsOf(
  pool: Pool,
  caller: Identity,
  statement: Query<DescriptionRow>,
  timeout: string,
): Promise<Descriptions> {
  const rows = await readAs(pool, caller, statement, async (_, rows) => rows, timeout);
  return new Map(rows.map((row) => [row.post_id, row]));
}

interface DescriptionRow {
  post_id: string;
  app_id: string;
  title: string;
  author_id: string | null;
  created_at: Date | number;
  tags: string[];
  text: string;
}

function readDescriptions(ids: string[] | Expression<string[]>): Query<DescriptionRow> {
  return db
    .selectFrom("recsys.source_posts as posts")
    .select(({ ref }) => [
      "post_id",
      "author_id",
      "created_at",
      textOf(ref("title")).as("title"),
      sql<string>`${fn("recsys.app_id", { p_id: ref("post_id"), p_external_id: ref("external_id") })}`.as("app_id"),
      sql<string[]>`(${listOf(ref("tags"))})[:${sql.lit(mostTags)}]`.as("tags"),
      sql<string>`left(${textOf(ref("description"))}, ${sql.lit(lettersRead)})`.as("text"),
    ])
    .where("post_id", "=", sql<string>`any(${ids})`);
}

/** The beginning of a text: white space is one space, and what is longer ends behind a whole word, with "…". Markup is left as it is. */
export function excerptOf(text: string): string {
  const letters = [...text.replace(/\s+/gu, " ").trim()];
  if (letters.length <= most) return letters.join("");
  const cut = letters.slice(0, most - 1);
  const space = letters[cut.length] === " " ? cut.length : cut.lastIndexOf(" ");
  // a text without spaces is cut between two letters
  return `${cut
    .slice(0, space > most / 2 ? space : cut.length)
    .join("")
    .trimEnd()}…`;
}

/** A number of 16 hexadecimal digits is in the 18th, the 21st to 23rd and the last 12 of these places. */
const ofNumber = /^72656373-7973-800(.)-8(...)-(.{12})$/;

/** The app's own id of a post, from which recsys.id_of (app_views/app_ids.sql) makes the engine's id. As recsys.app_id without an external id: the number in a uuid, or the uuid itself. */
export function appIdOf(postId: string): string {
  const digits = ofNumber.exec(postId)?.slice(1).join("");
  return digits === undefined ? postId : String(BigInt.asIntN(64, BigInt(`0x${digits}`)));
}
