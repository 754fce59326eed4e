/** `recsys token`: an access token for the functions of `recsys serve`. */

import { localProject, publishableKey } from "../../serve/gateway.ts";
import { signingKey } from "../../serve/signing-key.ts";
import { userToken } from "../../supabase/functions/_local/user-token.ts";
import { findUser } from "./feed.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

/** Prints a user's token and nothing else, so that a shell can take it; how it is used goes to standard error. */
export async function tokenCommand(user: string, options: DatabaseOption & { port: number }): Promise<void> {
  await inDatabase(options, {}, async ({ database, print }) => {
    const { user_id } = await findUser(database, user);
    const url = `http://localhost:${options.port}`;
    print(await userToken(await signingKey(localProject), url, user_id));
    console.error(
      `for \`npx --no-install recsys serve\` on this machine, valid for an hour:\n  createClient("${url}", "${publishableKey}", { accessToken: async () => TOKEN })`,
    );
  });
}
