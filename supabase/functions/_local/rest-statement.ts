/**
 * Translates the few PostgREST requests of the pages to SQL: plain columns; filters eq, in and is.null; order and
 * limit; insert, update and delete. Names are quoted, values are parameters, and the database checks permissions.
 */
import type { Statement } from "../_shared/database/database.ts";

/** Tables of the example app that pages read and write. */
const tables = ["posts", "post_votes", "comments", "profiles", "mutes", "follows", "preferences", "withheld"];

/** Maximum number of rows in an answer, as on Supabase. */
const mostRows = 1000;

export interface RestRequest {
  method: string;
  table: string;
  query: URLSearchParams;
  /** JSON body of POST and PATCH. */
  body: string;
  /** Whether to return the written rows, which the caller must be allowed to read. */
  returns: boolean;
  /** Whether existing rows stay unchanged (upsert with ignoreDuplicates). */
  passesOver?: boolean;
}

export class NotSpoken extends Error {}

/** Returns one row with `body`, the JSON answer. Throws NotSpoken for requests that only PostgREST supports. */
export function statementOf({
  method,
  table,
  query,
  body,
  returns,
  passesOver,
}: RestRequest): Statement<{ body: unknown[] }> {
  if (!tables.includes(table)) throw new NotSpoken(`there is no table ${table} here`);
  const values: unknown[] = [];
  const parameter: Parameter = (value) => `$${values.push(value)}`;
  const target = `public.${name(table)}`;
  const asked = list(query.get("select") ?? "*").map((column) => (column === "*" ? "*" : name(column)));
  const found = asked.map((column) => `${target}.${column}`).join(", ");
  const written = returns ? found : "1";
  const given = () => `json_populate_recordset(null::${target}, ${parameter(asList(body))}::json) as given`;

  const text = {
    GET() {
      const rows = `${where(target, query, parameter)}${order(query)} limit ${parameter(limit(query))}`;
      return `select ${found} from ${target}${rows}`;
    },
    POST() {
      const columns = columnsOf(body).join(", ");
      const otherwise = passesOver ? " on conflict do nothing" : "";
      return `insert into ${target} (${columns}) select ${columns} from ${given()}${otherwise} returning ${written}`;
    },
    PATCH() {
      const changes = columnsOf(body).map((column) => `${column} = given.${column}`);
      return `update ${target} set ${changes.join(", ")} from ${given()}${where(target, query, parameter)} returning ${written}`;
    },
    DELETE() {
      return `delete from ${target}${where(target, query, parameter)} returning ${written}`;
    },
  };
  if (!Object.hasOwn(text, method)) throw new NotSpoken(`${method} is not spoken here`);
  const rows = text[method as keyof typeof text]();
  if ((method === "PATCH" || method === "DELETE") && !rows.includes(" where ")) throw new NotSpoken("say which rows");
  return { text: `with found as (${rows}) select coalesce(json_agg(found), '[]') as body from found`, values };
}

type Parameter = (value: unknown) => string;

function where(target: string, query: URLSearchParams, parameter: Parameter): string {
  const conditions: string[] = [];
  for (const [key, condition] of query) {
    if (["select", "order", "limit", "columns"].includes(key)) continue;
    const [, operator, value] = /^(eq|in|is)\.(.*)$/s.exec(condition) ?? [];
    if (operator === "eq") conditions.push(`${target}.${name(key)} = ${parameter(value)}`);
    else if (operator === "in") conditions.push(`${target}.${name(key)} = any(${parameter(ids(value))})`);
    else if (operator === "is" && value === "null") conditions.push(`${target}.${name(key)} is null`);
    else throw new NotSpoken(`the filter ${key}=${condition} is not spoken here`);
  }
  return conditions.length === 0 ? "" : ` where ${conditions.join(" and ")}`;
}

/** A list of ids only, since texts may contain commas and quotes. */
function ids(value: string): string[] {
  if (!/^\([0-9a-f,-]*\)$/i.test(value)) throw new NotSpoken("in. takes ids here");
  return value.slice(1, -1).split(",").filter(Boolean);
}

function order(query: URLSearchParams): string {
  const terms = list(query.get("order") ?? "").map((term) => {
    const [, column, direction = "asc"] = /^(\w+)(?:\.(asc|desc))?$/.exec(term) ?? [];
    if (column === undefined) throw new NotSpoken(`order=${term} is not spoken here`);
    return `${name(column)} ${direction}`;
  });
  return terms.length === 0 ? "" : ` order by ${terms.join(", ")}`;
}

function limit(query: URLSearchParams): number {
  const wanted = Number(query.get("limit") ?? mostRows);
  if (!Number.isInteger(wanted) || wanted < 0) throw new NotSpoken("limit must be a whole number");
  return Math.min(wanted, mostRows);
}

function columnsOf(body: string): string[] {
  const [row] = JSON.parse(asList(body));
  const columns = typeof row === "object" && row !== null ? Object.keys(row).map(name) : [];
  if (columns.length === 0) throw new NotSpoken("the body must be a row, or a list of rows, with columns");
  return columns;
}

function asList(body: string): string {
  try {
    const parsed = JSON.parse(body);
    return JSON.stringify(Array.isArray(parsed) ? parsed : [parsed]);
  } catch {
    throw new NotSpoken("the body is no JSON");
  }
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((entry) => entry.trim())
    .filter(Boolean);
}

function name(text: string): string {
  if (!/^[a-z_]{1,63}$/.test(text)) throw new NotSpoken(`${text} is no plain column here`);
  return `"${text}"`;
}
