import { relative } from "node:path";
import { init } from "../init/init.ts";

/** `recsys init`: writes the recommender into an app's supabase folder, and says what to do next. */
export async function initCommand({ into }: { into: string }): Promise<void> {
  const { added, changed, left, sources, upgraded } = await init(into);
  const at = relative(process.cwd(), into) || ".";
  console.log(`${at}/supabase/migrations: ${added.length} written${upgraded ? `, ${sources} kept as it is` : ""}`);
  console.log(`${at}/supabase/functions/_recsys and the end of ${at}/supabase/config.toml: written`);
  if (changed.length > 0)
    console.log(
      `\nedited since you installed them, and written again: ${changed.join(", ")}\nA database that has them already does not get that by \`supabase db push\`: until version 1.0 such a database is made anew.`,
    );
  if (left.length > 0) console.log(`\nno longer part of the recommender, and left where they are: ${left.join(", ")}`);
  console.log(
    upgraded
      ? "\nNext: npx supabase db push, then npx supabase functions deploy"
      : `
Next:
  1. ${at}/supabase/migrations/${sources}: say where your posts, people and what they do are. Its comments say how; docs/adopting.md has an example
  2. npx supabase db push
  3. npx recsys check --database "$URL", until all is well
  4. npx recsys train --database "$URL", then npx recsys publish --database "$URL"
  5. npx supabase functions deploy, and in the app: supabase.functions.invoke("recommend")`,
  );
}
