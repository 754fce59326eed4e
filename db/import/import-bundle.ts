import type pg from "pg";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { type BundleFile, bundleDigest, openBundle } from "../bundle/open-bundle.ts";
import { readPart } from "../bundle/read-records.ts";
import { type BundlePart, bundleFiles, type RecordOf } from "../bundle/records.ts";
import type { OnProgress } from "../progress.ts";
import { ifNew, insertRecords, type Keys, type WrittenRows } from "./insert.ts";
import { KnownFollows, KnownIds, KnownVectors, requestUuids } from "./known-ids.ts";
import { prepareEngine, prepareFeatureStore, prepareFirstFeeds } from "./prepare-engine.ts";

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

interface EarlyImportOptions extends Partial<ImportOptions> {
  /** Called once users, posts and interactions are imported, which feeds need. */
  onReadable(): void;
}

/** Enough for feeds of fresh and popular posts. */
const firstParts = ["users", "posts", "interactions"] as const;
const laterParts = (Object.keys(bundleFiles) as BundlePart[]).filter((part) => !firstParts.includes(part as "users"));

/**
 * Imports a community bundle in one transaction: all of it or nothing. A second import of the same bundle changes nothing.
 * @throws BundleError with file, line and reason for a bad bundle; the signal's reason when it aborts
 */
export async function importBundle(
  database: { pool: pg.Pool },
  folder: string,
  { onProgress = () => {}, signal }: Partial<ImportOptions> = {},
): Promise<ImportReport> {
  const files = await openBundle(folder);
  const digest = await bundleDigest(folder);
  const options = { onProgress, ...(signal && { signal }) };
  return await inTransaction(database.pool, async (client) => {
    const keysOf = keysOfBundle();
    const report = {} as Record<BundlePart, PartReport>;
    for (const part of [...firstParts, ...laterParts])
      report[part] = await importPart(client, part, files[part], keysOf[part] as KeysOf<BundlePart>, options);
    const added = Object.values(report).some((part) => part.added > 0);
    const clockShift = await prepareEngine(client, added, options);
    await run(client, ifNew(db.insertInto("recsys_engine.imports").values({ bundle_digest: digest })));
    return { ...report, clockShift };
  });
}

/**
 * Imports a bundle that feeds are served from: users, posts, interactions at once, the rest in short statements; resumes.
 * @throws as `importBundle`; `recsys_engine.imports` shows an import that is not complete
 */
export async function importEarly(
  { pool }: { pool: pg.Pool },
  folder: string,
  { onProgress = () => {}, signal, onReadable }: EarlyImportOptions,
): Promise<void> {
  const files = await openBundle(folder);
  const bundle_digest = await bundleDigest(folder);
  const options = { onProgress, ...(signal && { signal }) };
  const keysOf = keysOfBundle();
  const importOf = (client: pg.ClientBase, part: BundlePart) =>
    importPart(client, part, files[part], keysOf[part] as KeysOf<BundlePart>, options);
  await inTransaction(pool, async (client) => {
    let added = 0;
    for (const part of firstParts) added += (await importOf(client, part)).added;
    if (added > 0) await prepareFirstFeeds(client);
    const begun = db.insertInto("recsys_engine.imports").values({ bundle_digest, is_whole: false });
    await run(client, ifNew(begun));
  });
  onReadable();
  const client = await pool.connect();
  try {
    for (const part of laterParts) await importOf(client, part);
    await prepareFeatureStore(client, options);
    const whole = db.updateTable("recsys_engine.imports").set({ is_whole: true });
    await run(client, whole.where("bundle_digest", "=", bundle_digest));
  } finally {
    client.release();
  }
}

/** The bundle whose import goes on or was cut off; undefined: there is none. */
export async function cutOffImport(pool: pg.Pool): Promise<string | undefined> {
  const cutOff = db.selectFrom("recsys_engine.imports").select("bundle_digest").where("is_whole", "=", false);
  return (await run(pool, cutOff))[0]?.bundle_digest;
}

async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: unknown;
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    return result;
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
