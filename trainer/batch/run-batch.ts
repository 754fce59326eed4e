/** Makes the lists of everyone who is active: any number of these work on one run at a time, page by page. */
import { setTimeout } from "node:timers/promises";
import type { WorkContext } from "../../db/progress.ts";
import { UserError } from "../../db/user-error.ts";
import {
  type BatchPage,
  type BatchRun,
  beginRun,
  claimPage,
  completePage,
  finishRun,
  releasePage,
  usersDone,
} from "./pages.ts";
import { type RankedPage, rankPage } from "./rank-page.ts";
import { readSnapshot, type Snapshot } from "./snapshot.ts";

/** What this worker did of a run. */
export interface BatchResult {
  run: BatchRun;
  /** Lists that it wrote, and users on whom the ranker failed. */
  done: number;
  failed: number;
  /** From the first page to the last one, without reading the community. */
  seconds: number;
}

/** Milliseconds between two looks whether others have finished their pages. */
const patience = 500;

/**
 * Works on the run that is running, or on a new one, until it is finished. When another model begins to serve meanwhile, the
 * run is left and one of that model begun. Throws a `UserError` where no model is active or the ranker fails on everybody.
 */
export async function runBatch(context: WorkContext): Promise<BatchResult> {
  for (;;) {
    const run = await beginRun(context.database);
    const snapshot = await readSnapshot(context.database, run, context.onProgress);
    const result = await workOn(context, snapshot);
    if (result) return result;
  }
}

/** undefined: another run took its place. */
async function workOn(context: WorkContext, snapshot: Snapshot): Promise<BatchResult | undefined> {
  const { database, onProgress, signal } = context;
  const { run } = snapshot;
  const started = performance.now();
  const result = { run, done: 0, failed: 0, seconds: 0 };
  const progress = async () =>
    onProgress({ step: "recommendations", done: await usersDone(database, run), total: run.users });
  await progress();
  const write = async (page: BatchPage, { lists, failed, error }: RankedPage) => {
    if (await completePage(database, run, page, lists, { count: failed, error: messageOf(error) })) {
      result.done += lists.length;
      result.failed += failed;
      result.seconds = (performance.now() - started) / 1000;
    }
    await progress();
  };
  // a page is written while the next one is ranked
  let writing = Promise.resolve();
  try {
    for (;;) {
      signal.throwIfAborted();
      const page = await claimPage(database, run);
      if (page) {
        const ranked = await rankPage(database, snapshot, page.userIds);
        await writing;
        if (signal.aborted || (ranked.failed > 0 && ranked.lists.length === 0)) {
          await releasePage(database, run, page);
          signal.throwIfAborted();
          throw new UserError(`the ranker fails: ${messageOf(ranked.error)}`);
        }
        writing = write(page, ranked);
        // it is awaited after the next page; until then its failure is handled by no caller
        writing.catch(() => {});
        continue;
      }
      await writing;
      const status = await finishRun(database, run);
      if (status === "superseded") return undefined;
      if (status === "finished") return result;
      // pages in others' hands: should one of them be killed, its page comes back
      await progress();
      await setTimeout(patience, undefined, { signal }).catch(() => {});
    }
  } finally {
    await writing.catch(() => {});
  }
}

function messageOf(error: unknown): string | null {
  if (error === undefined) return null;
  return error instanceof Error ? error.message : String(error);
}
