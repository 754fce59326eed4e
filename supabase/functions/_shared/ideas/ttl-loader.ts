/** Cache settings; times in milliseconds. */
interface Keeping {
  keptFor: number;
  /** TTL of a failure, so that not every request retries. */
  retryAfter: number;
  /** Maximum number of entries; the oldest are dropped. Left out: no limit. */
  most?: number;
}

/** Loads each value once per key and TTL; concurrent callers share it. `now`: milliseconds of any clock. */
export function createTtlLoader<Key, Value>(
  { keptFor, retryAfter, most = Number.POSITIVE_INFINITY }: Keeping,
  now: () => number,
): (key: Key, load: () => Promise<Value>) => Promise<Value> {
  const kept = new Map<Key, { value: Promise<Value>; until: number }>();
  return (key, load) => {
    const known = kept.get(key);
    if (known && now() < known.until) return known.value;
    const entry = { value: load(), until: now() + keptFor };
    entry.value.catch(() => {
      entry.until = now() + retryAfter;
    });
    kept.delete(key);
    kept.set(key, entry);
    for (const oldest of kept.keys()) if (kept.size > most) kept.delete(oldest);
    return entry.value;
  };
}
