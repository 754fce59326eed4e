/** The version of this code, and of the schema that it goes with: what recsys.version() has to say. */
export const schemaVersion = "1.0.0";

/** In which each answer of a function says it, for `recsys doctor`. */
export const versionHeader = "recsys-version";

/** What to do about a database of another version than whoever asks it, in a line; undefined: nothing. `who`: such as "these functions are". */
export function versionMismatch(found: string, who: string, cureWhereNewer: string): string | undefined {
  if (found === schemaVersion) return undefined;
  const cure =
    compareVersions(found, schemaVersion) > 0
      ? cureWhereNewer
      : "npx --no-install recsys init --into APP, then npx supabase db push there";
  return `the database has recsys ${found}, and ${who} ${schemaVersion}: ${cure}`;
}

/** Above 0: the first is the later one. A pre-release (1.1.0-beta.1) is before its release; what is no version is before all. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => /^(\d+)\.(\d+)\.(\d+)(-)?/.exec(version));
  if (!a || !b) return Number(a !== null) - Number(b !== null);
  for (const i of [1, 2, 3]) if (a[i] !== b[i]) return Number(a[i]) - Number(b[i]);
  return Number(b[4] !== undefined) - Number(a[4] !== undefined);
}

const cure = "npx --no-install recsys init --into APP of that version, then npx supabase functions deploy there";

/** What a pool does about it: asks when a connection is new, and when something that was asked for is missing; says each version once. */
export interface VersionWatch {
  /** Asks by this connection. Never throws. */
  ask(client: { query(sql: string): Promise<{ rows: { version: string }[] }> }): Promise<void>;
}

export function createVersionWatcher(onOther: (error: Error) => void): VersionWatch {
  const told = new Set<string>();
  return {
    async ask(client) {
      // where there is no such function, whatever else is asked for is missing and logged
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
