import { UserError } from "../../db/user-error.ts";
import { archiveDays } from "../../trainer/archive/archive-days.ts";
import { dayTables } from "../../trainer/archive/archived-days.ts";
import { restoreDays } from "../../trainer/archive/restore-days.ts";
import { archivableUntil, feedLookbackDays } from "../../trainer/archive/retention.ts";
import { bucketStore, folderStore } from "../../trainer/archive/store.ts";
import { bucketToWrite } from "./bucket-to-write.ts";
import { requireFolder } from "./out-folder.ts";
import { type CommandContext, type DatabaseOption, inDatabase } from "./with-database.ts";

interface ArchiveCommandOptions extends DatabaseOption {
  out?: string;
  s3?: string;
  before?: string;
  restore?: [from: string, to: string];
}

/** `recsys archive`: days of the exposure log into files, or back. */
export async function archiveCommand(options: ArchiveCommandOptions): Promise<void> {
  const { out, s3, before, restore } = options;
  if (restore) {
    for (const [option, value] of Object.entries({ "--out": out, "--s3": s3, "--before": before }))
      if (value !== undefined)
        throw new UserError(`where the files of a day are is known: with --restore leave ${option} out`);
    await inDatabase(options, {}, async (context) => {
      await requireOwner(context);
      await restoreDays(context, ...restore);
    });
    return;
  }
  if (out === undefined)
    throw new UserError(
      "--out names the folder that the files go to, or with --s3 are written in before they are uploaded",
    );
  await requireFolder(out);
  if (s3 !== undefined) await bucketToWrite(s3);
  await inDatabase(options, {}, async (context) => {
    await requireOwner(context);
    await requireDays(context);
    const until = await archivableUntil(context.database.pool);
    if (before !== undefined && before > until)
      throw new UserError(
        `--before ${before} is too late: feeds leave out what was seen in the last ${feedLookbackDays - 1} days, so ${until} is the latest`,
      );
    const store = s3 === undefined ? folderStore(out) : await bucketStore(s3, context);
    await archiveDays(context, { folder: out, store, before: before ?? until });
  });
}

/** Throws a `UserError` where the log has no days. */
async function requireDays({ database: { pool } }: CommandContext): Promise<void> {
  const { rows } = await pool.query("select impression_partition_interval as unit from recsys.settings");
  if (rows[0].unit !== "day" && (await dayTables(pool)).length === 0)
    throw new UserError(
      "the exposure log has months, and what is archived are days: update recsys.settings set impression_partition_interval = 'day'; select recsys_engine.make_impression_partitions()",
    );
}

/** Throws a `UserError` where the role may not detach and attach partitions. */
async function requireOwner({ database: { pool } }: CommandContext): Promise<void> {
  const { rows } = await pool.query(
    `select current_user as name, pg_get_userbyid(relowner) as owner, pg_has_role(relowner, 'usage') as is_owner
     from pg_class where oid = to_regclass('recsys.impressions')`,
  );
  const [{ name, owner, is_owner: isOwner }] = rows;
  if (!isOwner)
    throw new UserError(
      `${name} may not change the partitions of recsys.impressions: name a --database URL of ${owner}`,
    );
}
