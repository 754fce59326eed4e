import type pg from "pg";
import { UserError } from "../user-error.ts";
import { differences, readCatalog, type SchemaCatalog } from "./catalog.ts";
import { handWritten } from "./schema-files.ts";

type Client = Pick<pg.ClientBase, "query">;

/** The source views are the app's, which made them again over its own tables. */
const isCode = (object: string) => /^(function|view) (?!recsys\.source_)/.test(object);
const isRule = (object: string) => /^(policy .* on|trigger .* on recsys(_engine)?\.)/.test(object);

/**
 * Composes the statements from an earlier version to a fresh installation: changes of tables written by hand, then functions, views, policies,
 * triggers, comments, rights. Tries each on `client`, in a transaction to roll back. Throws a `UserError` with changes that need a table's change.
 */
export async function composeUpgrade(client: Client, fresh: SchemaCatalog, tables: string): Promise<string> {
  const before = differences(await readCatalog(client), fresh);
  if (before.length === 0 && tables === "") return "";
  await run(client, tables, `${handWritten} fails`);
  const statements: string[] = tables === "" ? [] : [tables];
  const apply = async (sql: string) => {
    await run(
      client,
      sql,
      `the upgrade's statement "${sql.split("\n", 1)[0]}" fails; perhaps ${handWritten} lacks a change of a table`,
    );
    statements.push(sql);
  };

  for (const object of [...(await readCatalog(client)).keys()].reverse())
    if (isCode(object) && !fresh.has(object) && (await readCatalog(client)).has(object))
      await drop(client, object, apply);
  await replaceCode(client, fresh, apply);

  const now = await readCatalog(client);
  for (const object of new Set([...now.keys(), ...fresh.keys()])) {
    const wanted = fresh.get(object);
    if (!isRule(object) || now.get(object) === wanted) continue;
    if (now.has(object)) await apply(`drop ${object};`);
    if (wanted !== undefined) await apply(`${wanted};`);
  }
  await tell(client, fresh, apply);

  const left = differences(await readCatalog(client), fresh);
  if (left.length > 0)
    throw new UserError(
      `The upgrade differs from a fresh installation. Write the change into ${handWritten} (+ is missing, - is too much, ~ is another):\n${left.map((line) => `  ${line}`).join("\n")}`,
    );
  return `${statements.join("\n\n")}\n`;
}

type Apply = (sql: string) => Promise<void>;

/** Makes functions and views as `fresh` has them, in its order: what one depends on is there before it. */
async function replaceCode(client: Client, fresh: SchemaCatalog, apply: Apply): Promise<void> {
  let now = await readCatalog(client);
  for (const [object, definition] of fresh) {
    if (!isCode(object) || now.get(object) === definition) continue;
    const sql = `${withEndsQuoted(definition).trimEnd().replace(/;$/, "")};`;
    if (now.has(object) && !(await isPossible(client, sql))) {
      await drop(client, object, apply);
      now = await readCatalog(client);
    }
    await apply(sql);
  }
}

/**
 * With names such as trend in the body of a function in quotes: `supabase db push` takes the end of any other word for that of the body. What
 * stands in quotes already stays.
 */
function withEndsQuoted(definition: string): string {
  const body = /(?<=\nBEGIN ATOMIC\n).*(?=\nEND\s*$)/s;
  return definition.replace(body, (text) =>
    text.replace(/'(?:[^']|'')*'|"[^"]*"|\b(?=\w*end)\w+/gi, (word) => (/^['"]/.test(word) ? word : `"${word}"`)),
  );
}

/** Drops a function or view, and before it what depends on it. */
async function drop(client: Client, object: string, apply: Apply): Promise<void> {
  const before = await readCatalog(client);
  await client.query(`savepoint cascading; drop ${object} cascade`);
  const after = await readCatalog(client);
  await client.query("rollback to cascading");
  const gone = [...before.keys()].filter((each) => !after.has(each) && !/^(comment|rights|column) /.test(each));
  const others = gone.filter((each) => !isCode(each) && !isRule(each));
  if (others.length > 0)
    throw new UserError(
      `${object} cannot be dropped, since ${others.join(", ")} depends on it: change that in ${handWritten} first`,
    );
  let left = gone.reverse();
  while (left.length > 0) {
    const next = await firstPossible(client, left);
    if (next === undefined)
      throw new UserError(
        `${object} cannot be dropped: ${await dependentsOf(client, left[0])}. Change that in ${handWritten} first`,
      );
    await apply(`drop ${next};`);
    left = left.filter((each) => each !== next);
  }
}

async function firstPossible(client: Client, objects: string[]): Promise<string | undefined> {
  for (const object of objects) if (await isPossible(client, `drop ${object}`)) return object;
  return undefined;
}

/** What PostgreSQL says of what depends on an object. */
async function dependentsOf(client: Client, object: string): Promise<string> {
  await client.query("savepoint asking");
  try {
    await client.query(`drop ${object}`);
    return "";
  } catch (error) {
    return (error as pg.DatabaseError).detail ?? (error as Error).message;
  } finally {
    await client.query("rollback to asking");
  }
}

/** Whether a statement could be run now. One whose columns or types do not allow it, or that others depend on, could not. */
async function isPossible(client: Client, sql: string): Promise<boolean> {
  await client.query("savepoint trying");
  try {
    await client.query(sql);
    return true;
  } catch (error) {
    // invalid_function_definition, invalid_table_definition, dependent_objects_still_exist; other failures show when
    // it is applied
    return !["42P13", "42P16", "2BP01"].includes((error as pg.DatabaseError).code ?? "");
  } finally {
    await client.query("rollback to trying");
  }
}

/** Comments and rights. */
async function tell(client: Client, fresh: SchemaCatalog, apply: Apply): Promise<void> {
  const now = await readCatalog(client);
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
  for (const [object, comment] of fresh)
    if (object.startsWith("comment on ") && now.get(object) !== comment)
      await apply(`${object} is ${quoted(comment)};`);
  for (const object of now.keys())
    if (object.startsWith("comment on ") && !fresh.has(object)) await apply(`${object} is null;`);
  for (const object of new Set([...now.keys(), ...fresh.keys()])) {
    if (!object.startsWith("rights ")) continue;
    const on = object.slice("rights ".length);
    const rightsIn = (catalog: SchemaCatalog) => catalog.get(object)?.split(", ") ?? [];
    const [has, wanted] = [rightsIn(now), rightsIn(fresh)];
    for (const [verb, roles] of byVerb(has, wanted)) await apply(`revoke ${verb} ${on} from ${roles.join(", ")};`);
    for (const [verb, roles] of byVerb(wanted, has)) await apply(`grant ${verb} ${on} to ${roles.join(", ")};`);
  }
}

/** Of rights such as `select to anon` those that the others lack: who has each. */
function byVerb(rights: string[], others: string[]): Map<string, string[]> {
  const roles = new Map<string, string[]>();
  for (const right of rights.filter((each) => !others.includes(each))) {
    const [verb, role] = right.split(" to ");
    roles.set(verb, [...(roles.get(verb) ?? []), role]);
  }
  return roles;
}

async function run(client: Client, sql: string, what: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    const position = Number((error as pg.DatabaseError).position);
    const line = position > 0 ? `, line ${sql.slice(0, position).split("\n").length}` : "";
    throw new UserError(`${what}${line}: ${(error as Error).message}`, { cause: error });
  }
}
