/** For tests: a folder of one's own, and a community small enough to train on in seconds. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../db/connect.ts";
import { importBundle } from "../db/import/import-bundle.ts";
import { eitherDatabase, type Scope } from "../db/testing.ts";
import { communityFromDatabase, type LoadedCommunity } from "./data/replay/from-database.ts";
import type { SyntheticSize } from "./data/synthetic/world.ts";
import { writeSyntheticCommunity } from "./data/synthetic/write-synthetic-community.ts";

/** A folder that is gone when the scope is over. */
export async function temporaryFolder(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  scope.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

const small: SyntheticSize = { users: 60, posts: 200, days: 20 };

/** Fills a database with a synthetic community whose last event is now: by default of 60 people and some 325 first interactions. */
export async function fillSmallCommunity(database: Database, size = small): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  try {
    await writeSyntheticCommunity(folder, { seed: 3, ...size });
    await importBundle(database, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** That community, as a training reads it; `more`: SQL that adds to it. */
export async function loadSmallCommunity(more?: string): Promise<LoadedCommunity> {
  const closing: (() => Promise<void>)[] = [];
  const database = await eitherDatabase({ after: (close) => void closing.push(close) }, "small_community");
  try {
    await fillSmallCommunity(database);
    if (more) {
      await database.pool.query(more);
      await database.pool.query("select recsys.roll_up(null)");
    }
    return await communityFromDatabase(database);
  } finally {
    for (const close of closing) await close();
  }
}
