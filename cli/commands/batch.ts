/** `recsys batch`: the best posts for every active user, into recsys.batch_recommendations. */
import { type BatchResult, runBatch } from "../../trainer/batch/run-batch.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

/** Works on the run that is running or begins one; started several times in parallel, they share it. */
export async function batchCommand(options: DatabaseOption): Promise<void> {
  await inDatabase(options, {}, async ({ database, onProgress, signal, print }) => {
    print(runLine(await runBatch({ database, onProgress, signal })));
  });
}

export function runLine({ run, done, failed, seconds }: BatchResult): string {
  const speed = done > 0 ? `, ${Math.round(done / seconds)} users a second` : "";
  const failures = failed > 0 ? `; the ranker failed on ${failed}: see recsys_engine.batch_runs` : "";
  return `run ${run.id} of model ${run.modelName}: ${done} of ${run.users} active users by this worker${speed}${failures}`;
}
