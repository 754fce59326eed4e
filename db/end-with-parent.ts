import { isMainThread, Worker, workerData } from "node:worker_threads";

/**
 * Ends this process as soon as the one that started it is gone, in the middle of a statement too: a thread of its own looks, since
 * PGlite lets nothing else run meanwhile. For databases in memory, which nobody else can want then.
 */
export function endWithParent(): void {
  new Worker(new URL(import.meta.url), { workerData: { parent: process.ppid } }).unref();
}

if (!isMainThread && typeof workerData?.parent === "number") {
  setInterval(() => {
    if (process.ppid !== workerData.parent) process.kill(process.pid, "SIGKILL");
  }, 500);
}
