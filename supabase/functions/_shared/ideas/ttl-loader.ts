/** How long things are kept, in milliseconds. */
interface Keeping {
  keptFor: number;
  /** From a failure to the next try: it would be asked for with every request. */
  retryAfter: number;
  /** How many are kept; of more, those that came last. Left out: all. */
  most?: number;
}

/** Loads each thing once for all who ask for its key. `now`: milliseconds of any clock. */
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
