/** What an export holds: `manifest.json`, written when all its files are whole. A shard has its own, so that any number of machines may write into one folder. */
import { createHash } from "node:crypto";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../db/user-error.ts";
import { featureSpecDigest } from "../../supabase/functions/_shared/features/feature-spec.ts";
import { configSchema } from "../training/config/config.ts";
import { type Shard, suffixOf } from "./shard.ts";

/** Changes where a reader of an earlier export would read another one wrongly. */
const schemaVersion = 1;

const facts = z.object({
  rows: z.int().exactOptional(),
  row_groups: z.int().exactOptional(),
  bytes: z.int(),
  sha256: z.string(),
});

export const manifestSchema = z.object({
  schema_version: z.literal(schemaVersion),
  shard: z.object({ number: z.int(), of: z.int() }),
  community: z.guid(),
  feature_spec_digest: z.string(),
  /** Of interactions and impressions; null: from the beginning. */
  from: z.iso.datetime().nullable(),
  /** What happened before this instant is there, and is learned from. */
  to: z.iso.datetime(),
  seed: z.int(),
  config: configSchema,
  /** Whose vectors of posts, and of users, the towers read, and by which basis; null: none. */
  vectors: z
    .object({ basis: z.string(), encoder: z.string(), dimension: z.int(), users: z.literal(true).optional() })
    .nullable(),
  /** How many there are of what has a row in a table of weights. */
  vocabulary: z.object({ tokens: z.int(), users: z.int(), posts: z.int(), categories: z.int() }),
  /** sha256 of the ids of users, and of posts, in the order of their numbers. */
  users_digest: z.string(),
  posts_digest: z.string(),
  /** Rows of each table, over the shard's files. */
  counts: z.record(z.string(), z.int()),
  /** By path within the folder. */
  files: z.record(z.string(), facts),
});

export type Manifest = z.output<typeof manifestSchema>;

/** What the manifests of all shards, and of both halves of an export, have in common. */
export type ManifestHead = Omit<Manifest, "schema_version" | "shard" | "counts" | "files">;

/** sha256 of some ids in their order, in hex. */
export function digestOfIds(ids: string[]): string {
  const hash = createHash("sha256");
  for (const id of ids) hash.update(id).update("\n");
  return hash.digest("hex");
}

/** Writes a shard's manifest whole or not at all. */
export async function writeManifest(
  folder: string,
  shard: Shard,
  head: ManifestHead,
  files: Manifest["files"],
  name = "manifest",
): Promise<void> {
  const counts: Record<string, number> = {};
  for (const [path, { rows }] of Object.entries(files)) {
    if (rows === undefined) continue;
    const table = tableOf(path);
    counts[table] = (counts[table] ?? 0) + rows;
  }
  const manifest: Manifest = { schema_version: schemaVersion, shard, ...head, counts, files };
  const path = join(folder, `${name}${suffixOf(shard)}.json`);
  await writeFile(`${path}.partial`, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(`${path}.partial`, path);
}

/** `towers/pairs.1-of-4.parquet` is of `towers/pairs`, and a day's impressions are of `impressions`. */
function tableOf(path: string): string {
  return path.replace(/\/day=.*/, "").replace(/(\.\d+-of-\d+)?\.\w+$/, "");
}

/** Reads a folder's manifest, of any of its shards; throws a `UserError` where there is none or it is of another version or of other features. */
export async function readManifest(folder: string): Promise<Manifest> {
  const names = await readdir(folder).catch(() => []);
  const name = names.filter((each) => /^manifest(\.\d+-of-\d+)?\.json$/.test(each)).sort()[0];
  if (name === undefined)
    throw new UserError(`${folder} holds no manifest.json: name a folder that \`recsys export\` wrote`);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(join(folder, name), "utf8"));
  } catch {
    throw new UserError(`${join(folder, name)} is no JSON: export again`);
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0];
    throw new UserError(
      `${join(folder, name)} is not what this version exports (${path.join(".")}: ${message}): export again`,
    );
  }
  if (parsed.data.feature_spec_digest !== (await featureSpecDigest()))
    throw new UserError(`${folder} was exported for other features than this version computes: export and train again`);
  return parsed.data;
}
