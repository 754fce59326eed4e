import { relative } from "node:path";
import { init } from "../../adopt/init/init.ts";
import { draftOf } from "./draft.ts";

/** `recsys init`: writes the recommender into an app's supabase folder, with the draft of its source views where a database is named, and says what to do next. */
export async function initCommand({ into, database }: { into: string; database?: string }): Promise<void> {
  const drafted = database === undefined ? undefined : await draftOf({ database });
  const { added, changed, left, sources, upgraded } = await init(
    into,
    new Date(),
    drafted?.hasPosts ? drafted.sql : undefined,
  );
  const at = relative(process.cwd(), into) || ".";
  console.log(`${at}/supabase/migrations: ${added.length} written${upgraded ? `, ${sources} kept as it is` : ""}`);
  console.log(`${at}/supabase/functions/_recsys and the end of ${at}/supabase/config.toml: written`);
  if (changed.length > 0)
    console.log(
      `\nedited since they were installed, and written again as they were released: ${changed.join(", ")}\nA database that has them does not get that by \`supabase db push\`: what was edited is missing in a new one.`,
    );
  if (left.length > 0) console.log(`\nnot of this version, and left where they are: ${left.join(", ")}`);
  if (upgraded) {
    console.log("\nNext: npx supabase db push, then npx supabase functions deploy");
    return;
  }
  const file = `${at}/supabase/migrations/${sources}`;
  console.log(`
Next:
  1. ${file}: ${firstStep(drafted)}
  2. npx supabase db push
  3. npx --no-install recsys check --database "$URL", until all is well
  4. npx --no-install recsys train --database "$URL", then npx --no-install recsys publish --database "$URL"
  5. npx supabase functions deploy, and in the app: supabase.functions.invoke("recommend")`);
}

function firstStep(drafted: Awaited<ReturnType<typeof draftOf>> | undefined): string {
  if (!drafted?.hasPosts) {
    const found = drafted
      ? "no table there looks like posts (npx --no-install recsys draft says what became of each): "
      : "";
    return `${found}say where your posts, people and what they do are. Its comments say how; docs/adopting.md has an example`;
  }
  const read = `the draft of what was found: read it through\n     ${drafted.coverage.summary}: the list is at its top`;
  if (drafted.unsure.length === 0) return read;
  return `${read}\n     decide what it is unsure of\n${drafted.unsure.map((line) => `     unsure  ${line}`).join("\n")}`;
}
