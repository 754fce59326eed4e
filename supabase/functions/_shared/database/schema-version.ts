/** The version of this code, and of the schema that it goes with: what recsys.version() has to say. */
export const schemaVersion = "0.1.0";

/** What to do about a database of another version than whoever asks it, in a line; undefined: nothing. `who`: such as "these functions are". */
export function otherVersion(found: string, who: string, cureWhereNewer: string): string | undefined {
  if (found === schemaVersion) return undefined;
  const cure = isNewer(found) ? cureWhereNewer : "npx recsys init --into APP, then npx supabase db push there";
  return `the database has recsys ${found}, and ${who} ${schemaVersion}: ${cure}`;
}

function isNewer(found: string): boolean {
  const [theirs, ours] = [found, schemaVersion].map((version) => version.split(".").map(Number));
  const at = theirs.findIndex((number, i) => number !== ours[i]);
  return theirs[at] > ours[at];
}

const cure = "npx recsys init --into APP of that version, then npx supabase functions deploy there";

/** What a pool does about it: asks when a connection is new, and when something that was asked for is missing; says each version once. */
export interface VersionWatch {
  /** Asks by this connection. Never throws. */
  ask(client: { query(sql: string): Promise<{ rows: { version: string }[] }> }): Promise<void>;
}

export function openVersionWatch(onOther: (error: Error) => void): VersionWatch {
  const told = new Set<string>();
  return {
    async ask(client) {
      // where there is no such function, whatever else is asked for is missing and logged
      const [row] = await client.query("select recsys.version() as version").then(
        ({ rows }) => rows,
        () => [],
      );
      const problem = row && otherVersion(row.version, "these functions are", cure);
      if (!problem || told.has(row.version)) return;
      told.add(row.version);
      onOther(new Error(problem));
    },
  };
}
