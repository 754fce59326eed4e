/** For tests: what is open on the database of a test file, and ends before it closes. */

const cleanups = new Map<string, (() => Promise<void>)[]>();

/** From now on `beforeClose` takes what is to be done for the database at this URL. Returns what does it. */
export function takeCleanups(url: string): () => Promise<void> {
  cleanups.set(url, []);
  return async () => {
    for (const clean of cleanups.get(url) ?? []) await clean();
    cleanups.delete(url);
  };
}

/** Runs `clean` before the database of a test file closes; false: no test file's database has this URL. */
export function beforeClose(url: string, clean: () => Promise<void>): boolean {
  return (cleanups.get(url)?.push(clean) ?? 0) > 0;
}
