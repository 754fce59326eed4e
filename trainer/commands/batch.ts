/** `recsys batch`: the best posts for every active user, into recsys.batch_recommendations. */
import { runBatch } from "../batch/run-batch.ts";
import { type DatabaseOption, inDatabase } from "./in-database.ts";

/** Works on the run that is running or begins one; started several times at once, they share it. */
export async function batchCommand(options: DatabaseOption): Promise<void> {
  await inDatabase(options, {}, async ({ database, onProgress, signal, print }) => {
    const { run, done, failed, seconds } = await runBatch({ database, onProgress, signal });
    const speed = done > 0 ? `, ${Math.round(done / seconds)} users a second` : "";
    const failures = failed > 0 ? `; the ranker failed on ${failed}: see recsys.batch_runs` : "";
    print(
      `run ${run.id} of model ${run.modelName}: ${done} of ${run.users} active users by this worker${speed}${failures}`,
    );
  });
}
