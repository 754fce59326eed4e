/** The order of an app's own listing, as a recommender of a replay. */
import type pg from "pg";
import { UserError } from "../../db/user-error.ts";
import type { Recommender } from "../../trainer/evaluation/protocols/recommender.ts";
import { type Column, nameOf, type Table } from "../catalog/catalog.ts";
import { identifier, qualified } from "../catalog/quote.ts";
import { readingApp } from "../catalog/read-catalog.ts";
import { plainName } from "../catalog/words.ts";

/** An SQL expression over a row of the table of posts: the highest first. It may name `:at`, the instant of the request. */
export interface OwnOrder {
  sql: string;
  /** Whether it is worked out for each instant; otherwise it is the value of today, which knows what happened later. */
  isAsOf: boolean;
}

const placeholder = /(?<!:):at\b/g;
const scoreNames =
  "hot hotness hot_rank hot_score hotness_score trending trending_score rank_score ranking score".split(" ");

/**
 * The order that was named; otherwise a column that holds a score, by its name. Undefined: there is none. Throws a `UserError` where one was named and
 * several tables have posts: an expression over a row orders one table.
 */
export function findOwnOrder(tables: Table[], named: string | undefined): OwnOrder | undefined {
  const [posts, ...others] = tables;
  if (!posts) return undefined;
  if (others.length > 0) {
    if (named === undefined) return undefined;
    throw new UserError(
      `--order is an expression over one table, and posts are in ${tables.map(nameOf).join(", ")}: leave --order out`,
    );
  }
  if (named !== undefined) return { sql: named, isAsOf: new RegExp(placeholder).test(named) };
  const column = scoreNames.flatMap(
    (name) =>
      posts.columns.find(
        ({ name: own, kind }) => plainName(own) === name && (kind === "number" || kind === "decimal"),
      ) ?? [],
  )[0];
  return column && { sql: identifier(column.name), isAsOf: false };
}

/** Reads scores in the app's database, each time in a read-only transaction of its own. `numbers`: of posts, by their ids in the app as text; `newest`: the end of a query for these posts. */
export function ownOrderRecommender(
  app: pg.Pool,
  { sql, isAsOf }: OwnOrder,
  posts: { table: Table; key: Column; newest: string },
  numbers: Map<string, number>,
): Recommender {
  const text = `select ${identifier(posts.key.name)}::text as id, (${sql.replace(placeholder, "$1::timestamptz")})::float8 as score from ${qualified(posts.table)}${posts.newest}`;
  let latest: Float64Array | undefined;
  const read = async (at: number, size: number) => {
    const scores = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
    const { rows } = await readingApp(app, async (client) => {
      // an expression of the app names its functions as the app does
      await client.query("set local search_path = public, extensions");
      return await client.query<{ id: string; score: number | null }>(text, isAsOf ? [new Date(at)] : []);
    }).catch((error: Error) => {
      throw new UserError(`the app's own order cannot be read: ${error.message}. Correct --order`);
    });
    for (const { id, score } of rows) {
      const number = numbers.get(id);
      if (number !== undefined && score !== null && !Number.isNaN(score)) scores[number] = score;
    }
    return scores;
  };
  return {
    name: "the app's own order",
    observe() {},
    async scores(_user, at, out) {
      if (isAsOf || !latest) latest = await read(at, out.length);
      out.set(latest);
    },
  };
}
