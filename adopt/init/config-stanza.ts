/** The part of an app's supabase/config.toml that is the recommender's, between two lines by which it is found again. */
import { UserError } from "../../db/user-error.ts";

const begin = "# recsys: begin (written by `npx recsys init`, which replaces it)";
const end = "# recsys: end";

/** The configuration with the stanza of these functions, in place of an earlier one or at its end. Throws a `UserError` where one is the app's own. */
export function withStanza(config: string, functions: string[]): string {
  const earlier = new RegExp(`\\n*${escaped(begin)}\\n[\\s\\S]*?${escaped(end)}\\n?`);
  const own = config.replace(earlier, "\n");
  if (own.includes(begin) || own.includes(end))
    throw new UserError(
      `supabase/config.toml has one of the two lines "${begin}" and "${end}" without the other: remove it`,
    );
  for (const name of functions)
    if (new RegExp(`^\\s*\\[\\s*functions\\s*\\.\\s*["']?${name}["']?\\s*\\]`, "m").test(own))
      throw new UserError(
        `supabase/config.toml has a function ${name} of the app's own: the recommender's has to have that name; rename yours first`,
      );
  const stanzas = functions.map(
    (name) => `[functions.${name}]
enabled = true
# it finds out itself who calls: verify_jwt does not prove that there is a user
verify_jwt = false
import_map = "./functions/_recsys/import_map.json"
entrypoint = "./functions/_recsys/${name}/index.ts"
`,
  );
  return `${own.trimEnd()}\n\n${begin}\n${stanzas.join("\n")}${end}\n`.trimStart();
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
