import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../db/user-error.ts";
import { exportData, exportForRanker, requireCommunity } from "../../trainer/distributed/export-data.ts";
import { readManifest } from "../../trainer/distributed/manifest.ts";
import { type Shard, suffixOf, wholeExport } from "../../trainer/distributed/shard.ts";
import { uploadExport } from "../../trainer/distributed/upload-export.ts";
import { startBackend } from "../../trainer/models/nn/backend.ts";
import { readConfig } from "../../trainer/training/config/config-file.ts";
import { bucketToWrite } from "./bucket-to-write.ts";
import { requireSoundSources } from "./check.ts";
import { requireFolder } from "./out-folder.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

interface ExportCommandOptions extends DatabaseOption {
  out: string;
  from?: Date;
  to?: Date;
  shard?: Shard;
  seed: number;
  config?: string;
  stage: "towers" | "ranker";
  s3?: string;
}

/** `recsys export`: writes what the database holds as Parquet, and what a training elsewhere needs. */
export async function exportCommand(options: ExportCommandOptions): Promise<void> {
  const { out: folder, from, to, shard = wholeExport, seed, stage } = options;
  const isRanker = stage === "ranker";
  if (from && to && from >= to)
    throw new UserError(`--from (${from.toISOString()}) must lie before --to (${to.toISOString()})`);
  for (const [option, value] of Object.entries({ "--from": from, "--to": to, "--config": options.config }))
    if (isRanker && value !== undefined)
      throw new UserError(`${option} was said when ${folder} was exported: with --stage ranker leave it out`);
  const config = await readConfig(options.config);
  await requireFolder(folder);
  const manifest = `${isRanker ? "manifest-ranker" : "manifest"}${suffixOf(shard)}.json`;
  const isThere = existsSync(join(folder, manifest));
  if (isThere && options.s3 === undefined)
    throw new UserError(`--out ${folder} holds ${manifest} already: name another folder, or remove it`);
  const bucket = options.s3 === undefined ? undefined : await bucketToWrite(options.s3);
  await inDatabase(options, {}, async (context) => {
    if (bucket && isThere) {
      await requireCommunity(context.database, await readManifest(folder));
      context.print(`${join(folder, manifest)} is there: what it names is uploaded, and nothing exported`);
      return await uploadExport(bucket, folder, manifest, context);
    }
    await requireSoundSources(context.database, context.print);
    if (isRanker) {
      await startBackend();
      await exportForRanker(context, folder, shard);
    } else await exportData(context, { folder, shard, from, to, seed, config });
    context.print(`${join(folder, manifest)} says what was exported`);
    if (bucket) await uploadExport(bucket, folder, manifest, context);
  });
}
