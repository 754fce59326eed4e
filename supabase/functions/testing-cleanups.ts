/** For tests: closes pools before the database of their test file is closed. */

const cleanups = new Map<string, (() => Promise<void>)[]>();

/** Registers a database, so that `beforeClose` accepts functions for it. Returns the function that runs them. */
export function takeCleanups(url: string): () => Promise<void> {
  cleanups.set(url, []);
  return async () => {
    for (const clean of cleanups.get(url) ?? []) await clean();
    cleanups.delete(url);
  };
}

/** Runs `clean` before the database of a test file closes; false if no test file's database has this URL. */
export function beforeClose(url: string, clean: () => Promise<void>): boolean {
  return (cleanups.get(url)?.push(clean) ?? 0) > 0;
}
