/** For tests of the pages: a community with two topics, a model that reads words and follows what people do, and the pages over it. */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { eitherDatabase, type Scope } from "../../db/testing.ts";
import { runEmbeddingLoop } from "../../serve/background-loops.ts";
import { startGateway } from "../../serve/gateway.ts";
import { tokenRows } from "../../supabase/functions/_shared/features/tokens.ts";
import { uuid } from "../../testing/community.ts";
import { publishWordModel } from "../../testing/embed.ts";
import { buildPages } from "../build.ts";

export const members = { ada: uuid("a", 1), ben: uuid("a", 2), rosa: uuid("a", 3) };

/** 24 posts on chess by ada, 24 on gardens by rosa. Ben cares about kites. */
async function fill(pool: pg.Pool): Promise<void> {
  await pool.query(
    `insert into public.profiles (id, external_id, passions, bio, created_at)
     select person.id, person.name, array[person.passion], '', now() - interval '90 days'
     from (values ($1::uuid, 'ada', 'chess'), ($2, 'ben', 'kites'), ($3, 'rosa', 'gardens')) as person (id, name, passion)`,
    [members.ada, members.ben, members.rosa],
  );
  await pool.query(
    `insert into public.posts (author_id, title, description, tags, created_at)
     select topic.author, topic.title || ' ' || n, topic.title || ' in a few words', array[topic.tag], now() - n * interval '1 hour'
     from (values ($1::uuid, 'Chess puzzle', 'chess'), ($2, 'Garden bed', 'gardens')) as topic (author, title, tag), generate_series(1, 24) as n`,
    [members.ada, members.rosa],
  );
  await pool.query("select recsys.roll_up()");
  // feeds in the order of their scores; the pages of one story are more than two a second
  await pool.query(
    "update recsys.settings set diversity = 0, author_decay = 1, trial_place = 0, requests_per_minute = null",
  );
}

let built: Promise<string> | undefined;

/** The folder of the pages, built once in a process and gone with it: a build takes 0.5 s of a processor. */
async function builtPages(): Promise<string> {
  built ??= (async () => {
    const site = await mkdtemp(join(tmpdir(), "recsys-site-"));
    process.once("exit", () => rmSync(site, { recursive: true }));
    await buildPages(site);
    return site;
  })();
  return await built;
}

/** On a database that `open` gives. */
export async function servedCommunity(scope: Scope, name: string, open = eitherDatabase) {
  const database = await open(scope, name);
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  scope.after(() => rm(folder, { recursive: true }));
  await fill(database.pool);
  // as many rows as a trained tower has: where words share rows, other posts come first
  await publishWordModel(database, "words", { ofHistory: 100, rows: tokenRows });
  const site = await builtPages();
  const lines: string[] = [];
  const onLog = (line: string) => void lines.push(line);
  const gateway = await startGateway({ databaseUrl: database.url, port: 0, folder, site, onLog });
  scope.after(() => gateway.stop());
  const stopEmbedding = runEmbeddingLoop(database, { every: 200 });
  scope.after(stopEmbedding);
  return { ...database, gateway, site, lines };
}
