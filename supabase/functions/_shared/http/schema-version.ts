/** Version of this code and of the schema that it requires, as recsys.version() returns it. */
export const schemaVersion = "1.0.0";

/** Header with the version in every answer, read by `recsys doctor`. */
export const versionHeader = "recsys-version";

/**
 * A message if the database has another version than the code, with what to do; undefined if they match. `who`: the
 * subject, such as "these functions are".
 */
export function versionMismatch(found: string, who: string, cureWhereNewer: string): string | undefined {
  if (found === schemaVersion) return undefined;
  const cure =
    compareVersions(found, schemaVersion) > 0
      ? cureWhereNewer
      : "npx --no-install recsys init --into APP, then npx supabase db push there";
  return `the database has recsys ${found}, and ${who} ${schemaVersion}: ${cure}`;
}

/**
 * Positive if the first version is later. A pre-release (1.1.0-beta.1) precedes its
 * release; an invalid version precedes all.
 */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => /^(\d+)\.(\d+)\.(\d+)(-)?/.exec(version));
  if (!a || !b) return Number(a !== null) - Number(b !== null);
  for (const i of [1, 2, 3]) if (a[i] !== b[i]) return Number(a[i]) - Number(b[i]);
  return Number(b[4] !== undefined) - Number(a[4] !== undefined);
}

const cure = "npx --no-install recsys init --into APP of that version, then npx supabase functions deploy there";

/**
 * Checks the schema's version for a pool, on new connections and after errors about
 * missing objects; reports each version once.
 */
export interface VersionWatch {
  /** Checks it on this connection. Never throws. */
  ask(client: { query(sql: string): Promise<{ rows: { version: string }[] }> }): Promise<void>;
}

export function createVersionWatcher(onOther: (error: Error) => void): VersionWatch {
  const told = new Set<string>();
  return {
    async ask(client) {
      // without recsys.version() the schema is missing, which other queries report
      const [row] = await client.query("select recsys.version() as version").then(
        ({ rows }) => rows,
        () => [],
      );
      const problem = row && versionMismatch(row.version, "these functions are", cure);
      if (!problem || told.has(row.version)) return;
      told.add(row.version);
      onOther(new Error(problem));
    },
  };
}
