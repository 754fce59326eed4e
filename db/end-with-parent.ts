import { isMainThread, Worker, workerData } from "node:worker_threads";

/**
 * Ends this process when its parent has ended, in the middle of a statement too. A thread checks, since PGlite blocks the event loop during a
 * statement. For databases in memory: no other process can use them.
 */
export function endWithParent(): void {
  new Worker(new URL(import.meta.url), { workerData: { parent: process.ppid } }).unref();
}

if (!isMainThread && typeof workerData?.parent === "number") {
  setInterval(() => {
    if (process.ppid !== workerData.parent) process.kill(process.pid, "SIGKILL");
  }, 500);
}
