import type pg from "pg";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { bundleDigest, openBundle } from "../bundle/open-bundle.ts";
import type { BundlePart } from "../bundle/records.ts";
import type { OnProgress } from "../progress.ts";
import { importPart, type PartReport } from "./import-part.ts";
import { insertImpressions } from "./insert-impressions.ts";
import { insertInteractions } from "./insert-interactions.ts";
import { insertLogins } from "./insert-logins.ts";
import { insertPosts } from "./insert-posts.ts";
import { insertUsers } from "./insert-users.ts";
import { KnownIds } from "./known-ids.ts";
import { prepareEngine } from "./prepare-engine.ts";

interface ImportReport extends Record<BundlePart, PartReport> {
  /** How far the engine's clock lags behind, in milliseconds; not 0 after the import of an archived community. */
  clockShift: number;
}

/**
 * Imports a community bundle in one transaction: all of it or nothing. A second import of the same bundle changes nothing.
 *
 * @throws BundleError with file, line and reason for a bad bundle; the signal's reason when it aborts
 */
export async function importBundle(
  database: { pool: pg.Pool },
  folder: string,
  { onProgress = () => {}, signal }: { onProgress?: OnProgress; signal?: AbortSignal } = {},
): Promise<ImportReport> {
  const files = await openBundle(folder);
  const digest = await bundleDigest(folder);
  const client = await database.pool.connect();
  const options = { onProgress, ...(signal && { signal }) };
  let failure: unknown;
  try {
    await client.query("begin");
    const users = new KnownIds("user");
    const posts = new KnownIds("post");
    const report = {
      users: await importPart(
        "users",
        files.users,
        (records, lines, file) => {
          const uuids = records.map(({ id }, i) => users.add(id, file, lines[i]));
          return insertUsers(client, records, uuids);
        },
        options,
      ),
      posts: await importPart(
        "posts",
        files.posts,
        (records, lines, file) => {
          const uuids = records.map(({ id }, i) => posts.add(id, file, lines[i]));
          const authors = records.map(({ author_id: id }, i) => (id === null ? null : users.find(id, file, lines[i])));
          return insertPosts(client, records, uuids, authors);
        },
        options,
      ),
      interactions: await importPart(
        "interactions",
        files.interactions,
        (records, lines, file) =>
          insertInteractions(client, records, ...peopleAndPosts(users, posts, records, lines, file)),
        options,
      ),
      logins: await importPart(
        "logins",
        files.logins,
        (records, lines, file) => {
          const people = records.map(({ user_id: id }, i) => users.find(id, file, lines[i]));
          return insertLogins(client, records, people);
        },
        options,
      ),
      impressions: await importPart(
        "impressions",
        files.impressions,
        (records, lines, file) =>
          insertImpressions(client, records, ...peopleAndPosts(users, posts, records, lines, file)),
        options,
      ),
    };
    const added = Object.values(report).some((part) => part.added > 0);
    const clockShift = await prepareEngine(client, added, options);
    const imported = db.insertInto("recsys.imports").values({ bundle_digest: digest });
    await run(
      client,
      imported.onConflict((row) => row.doNothing()),
    );
    await client.query("commit");
    return { ...report, clockShift };
  } catch (error) {
    failure = error;
    await client.query("rollback").catch(() => {}); // a lost connection has rolled back already
    throw error;
  } finally {
    client.release(failure instanceof Error && "code" in failure ? failure : undefined);
  }
}

function peopleAndPosts(
  users: KnownIds,
  posts: KnownIds,
  records: { user_id: string; post_id: string }[],
  lines: number[],
  file: string,
): [users: string[], posts: string[]] {
  return [
    records.map(({ user_id: id }, i) => users.find(id, file, lines[i])),
    records.map(({ post_id: id }, i) => posts.find(id, file, lines[i])),
  ];
}
