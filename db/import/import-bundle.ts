import type pg from "pg";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { type BundleFile, bundleDigest, openBundle } from "../bundle/open-bundle.ts";
import { readPart } from "../bundle/read-records.ts";
import { type BundlePart, bundleFiles, type RecordOf } from "../bundle/records.ts";
import type { OnProgress } from "../progress.ts";
import { ifNew, insertRecords, type Keys, type WrittenRows } from "./insert.ts";
import { KnownFollows, KnownIds, KnownVectors, requestUuids } from "./known-ids.ts";
import { prepareEngine } from "./prepare-engine.ts";

/** Rows of one file: read, new to the database, updated, and there before as they are (or twice in the file). */
interface PartReport extends WrittenRows {
  read: number;
  existing: number;
}

interface ImportReport extends Record<BundlePart, PartReport> {
  /** How far the engine's clock lags behind, in milliseconds; not 0 after the import of an archived community. */
  clockShift: number;
}

interface ImportOptions {
  onProgress: OnProgress;
  signal?: AbortSignal;
}

/**
 * Imports a community bundle in one transaction: all of it or nothing. A second import of the same bundle changes nothing.
 *
 * @throws BundleError with file, line and reason for a bad bundle; the signal's reason when it aborts
 */
export async function importBundle(
  database: { pool: pg.Pool },
  folder: string,
  { onProgress = () => {}, signal }: Partial<ImportOptions> = {},
): Promise<ImportReport> {
  const files = await openBundle(folder);
  const digest = await bundleDigest(folder);
  const client = await database.pool.connect();
  const options = { onProgress, ...(signal && { signal }) };
  let failure: unknown;
  try {
    await client.query("begin");
    const keysOf = keysOfBundle();
    const report = {} as Record<BundlePart, PartReport>;
    for (const part of Object.keys(bundleFiles) as BundlePart[])
      report[part] = await importPart(client, part, files[part], keysOf[part] as KeysOf<BundlePart>, options);
    const added = Object.values(report).some((part) => part.added > 0);
    const clockShift = await prepareEngine(client, added, options);
    await run(client, ifNew(db.insertInto("recsys_engine.imports").values({ bundle_digest: digest })));
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

/** The uuids that records mean by the ids that they have. @throws BundleError where there is none, or one comes twice */
export type KeysOf<Part extends BundlePart> = (records: RecordOf<Part>[], lines: number[], file: string) => Keys;

/** The same for each part of a bundle, where what is referred to comes first. */
export function keysOfBundle(
  users = new KnownIds("user"),
  posts = new KnownIds("post"),
): { [Part in BundlePart]: KeysOf<Part> } {
  const follows = new KnownFollows(users);
  const [ofPosts, ofUsers] = [new KnownVectors("post_id", posts), new KnownVectors("user_id", users)];
  return {
    users: (records, ...at) => users.add(records, ...at),
    posts: (records, ...at) => ({ ...users.find("author_id", records, ...at), ...posts.add(records, ...at) }),
    interactions: (records, ...at) => ({
      ...users.find("user_id", records, ...at),
      ...posts.find("post_id", records, ...at),
      value: records.map(({ value }) => (value == null ? null : Math.fround(value))),
    }),
    logins: (records, ...at) => users.find("user_id", records, ...at),
    impressions: (records, ...at) => ({
      ...users.find("user_id", records, ...at),
      ...posts.find("post_id", records, ...at),
      request_id: requestUuids(records),
    }),
    follows: (records, ...at) => ({
      ...users.find("user_id", records, ...at),
      target: follows.targetsOf(records, ...at),
    }),
    // a bundle does not say whose they are: all are taken for one model's
    post_vectors: (records, ...at) => ({ ...ofPosts.find(records, ...at), encoder: records.map(() => "bundle") }),
    user_vectors: (records, ...at) => ({ ...ofUsers.find(records, ...at), encoder: records.map(() => "bundle") }),
  };
}

/** Rows an insert statement takes: larger ones gain nothing, and memory grows with them. Of vectors of 4,096 numbers 500 are 20 MB. */
const batchRows = (part: BundlePart) => (part.endsWith("_vectors") ? 500 : 5000);

/** Streams one file into the database: while one batch is being inserted, the next one is read. */
async function importPart<Part extends BundlePart>(
  client: pg.ClientBase,
  part: Part,
  file: BundleFile | undefined,
  keysOf: KeysOf<Part>,
  { onProgress, signal }: ImportOptions,
): Promise<PartReport> {
  const report = { read: 0, added: 0, updated: 0, existing: 0 };
  const count = ({ added, updated }: WrittenRows) => {
    report.added += added;
    report.updated += updated;
  };
  if (file === undefined) return report;
  const step = `import ${part}`;
  let inserting = Promise.resolve({ added: 0, updated: 0 });
  for await (const { records, lines, bytesRead } of readPart(part, file.path, batchRows(part))) {
    count(await inserting);
    signal?.throwIfAborted();
    inserting = insertRecords(client, part, records, keysOf(records, lines, file.path));
    inserting.catch(() => {}); // thrown by the await above or below
    report.read += records.length;
    // the number of rows is only known at the end; until then the share of the file that was read gives an estimate
    onProgress({ step, done: report.read, total: Math.round((report.read * file.bytes) / Math.max(1, bytesRead)) });
  }
  count(await inserting);
  report.existing = report.read - report.added - report.updated;
  onProgress({ step, done: report.read, total: report.read });
  return report;
}
