/** `recsys try`: replays an app's own history before anything is installed. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { draftDatabase } from "../../adopt/draft/draft-views.ts";
import { engineMigrations } from "../../adopt/init/init.ts";
import { replayApp } from "../../adopt/try/replay-app.ts";
import { tryReport } from "../../adopt/try/report.ts";
import { openDatabase } from "../../db/connect.ts";
import { UserError } from "../../db/user-error.ts";
import { type Backend, startBackend } from "../../trainer/models/nn/backend.ts";
import { readConfig } from "../../trainer/training/config/config-file.ts";
import { requireEmptyFolder } from "./out-folder.ts";
import { inDatabase } from "./with-database.ts";

export interface TryOptions {
  /** The app's, which is only read. */
  database: string;
  into: string;
  order?: string;
  seed: number;
  backend?: Backend;
  config?: string;
}

/** Drafts, copies into an embedded database in the folder, replays and reports. Where it fails or is stopped, the folder is as it was. */
export async function tryCommand(options: TryOptions): Promise<void> {
  const { database: url, into } = options;
  const begun = performance.now();
  const config = await readConfig(options.config);
  await requireEmptyFolder(into, "--into");
  const app = await openDatabase({ url });
  let made: string | undefined;
  let isDone = false;
  try {
    const drafted = await draftDatabase(app.pool);
    if (!drafted.hasPosts) throw new UserError(noPosts(drafted.unsure));
    made = await mkdir(into, { recursive: true });
    await writeFile(join(into, draftFile), drafted.sql);
    const folder = join(into, ".recsys", "database");
    await inDatabase({}, { folder, migrations: await engineMigrations() }, async (context) => {
      const backend = await startBackend(options.backend);
      const replay = await replayApp(context, app.pool, drafted, { ...options, config }).catch((error) => {
        throw context.signal.aborted ? new UserError("stopped: nothing was kept") : error;
      });
      const report = `${tryReport(replay, drafted)}\n\nTook ${Math.round((performance.now() - begun) / 1000)} s on the ${backend} backend. Nothing was written to the app's database.\n${nextSteps(into)}`;
      await writeFile(join(into, reportFile), `${report}\n`);
      context.print(report);
      isDone = true;
    });
  } finally {
    await app.close();
    if (!isDone)
      for (const name of made ? ["."] : [draftFile, reportFile, ".recsys"])
        await rm(join(into, name), { recursive: true, force: true });
  }
}

const draftFile = "recsys_sources.sql";
const reportFile = "report.txt";

function nextSteps(into: string): string {
  const at = relative(process.cwd(), into) || ".";
  return `
In ${at}: ${draftFile} (the draft), ${reportFile} (this), and a copy of what the draft reads in .recsys.
Next:
  to see feeds of it      cd ${at} && npx --no-install recsys start
  to evaluate it further  cd ${at} && npx --no-install recsys evaluate
  to install              npx --no-install recsys init --into APP --database URL`;
}

function noPosts(unsure: string[]): string {
  const why = unsure.find((line) => line.startsWith("posts: ")) ?? "no table of posts was found";
  return `${why}. \`npx --no-install recsys draft --database URL\` says what became of each table; the role has to be able to read them`;
}
