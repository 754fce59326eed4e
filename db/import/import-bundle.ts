import type pg from "pg";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { bundleDigest, openBundle } from "../bundle/open-bundle.ts";
import type { BundlePart, RecordOf } from "../bundle/records.ts";
import type { OnProgress } from "../progress.ts";
import { followTargets } from "./follow-targets.ts";
import { type Insert, importPart, type PartReport } from "./import-part.ts";
import {
  ifNew,
  insertFollows,
  insertImpressions,
  insertInteractions,
  insertLogins,
  insertPosts,
  insertUsers,
} from "./insert.ts";
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
    const targetsOf = followTargets(users);
    const part = <Part extends BundlePart>(name: Part, insert: Insert<RecordOf<Part>>) =>
      importPart(name, files[name], insert, options);
    const report = {
      users: await part("users", (records, ...at) => insertUsers(client, records, users.add(records.map(idOf), ...at))),
      posts: await part("posts", (records, ...at) => {
        const authors = users.find(records.map(authorOf), ...at);
        return insertPosts(client, records, posts.add(records.map(idOf), ...at), authors);
      }),
      interactions: await part("interactions", (records, ...at) => {
        const people = users.find(records.map(userOf), ...at);
        return insertInteractions(client, records, people, posts.find(records.map(postOf), ...at));
      }),
      logins: await part("logins", (records, ...at) =>
        insertLogins(client, records, users.find(records.map(userOf), ...at)),
      ),
      impressions: await part("impressions", (records, ...at) => {
        const people = users.find(records.map(userOf), ...at);
        return insertImpressions(client, records, people, posts.find(records.map(postOf), ...at));
      }),
      follows: await part("follows", (records, ...at) => {
        const people = users.find(records.map(userOf), ...at);
        return insertFollows(client, records, people, targetsOf(records, ...at));
      }),
    };
    const added = Object.values(report).some((part) => part.added > 0);
    const clockShift = await prepareEngine(client, added, options);
    await run(client, ifNew(db.insertInto("recsys.imports").values({ bundle_digest: digest })));
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

const idOf = ({ id }: { id: string }) => id;
const userOf = ({ user_id }: { user_id: string }) => user_id;
const postOf = ({ post_id }: { post_id: string }) => post_id;
const authorOf = ({ author_id }: { author_id: string | null }) => author_id;
