import type { Identity } from "../../database/run-as-caller.ts";
import { AppError, toAppError } from "../../http/errors.ts";

/** Whose feed it is: a user's, or that of a visitor, who has not signed in. */
export interface Reader {
  /** Whom the database takes for the caller; a visitor has no `sub`. */
  caller: Identity;
  /** What the request says they care about: to the towers, passions that come before those of the profile. */
  interests: string[];
}

/** "insufficient_privilege" */
const notGranted = "42501";

/** The error as the reader sees it. An app that shows its posts only to signed-in users is no fault. */
export function errorTo({ caller }: Reader, thrown: unknown): AppError {
  if (caller.sub === undefined && (thrown as { code?: unknown } | null)?.code === notGranted)
    return new AppError(
      401,
      "token_not_user",
      "visitors may not read the posts of this app: sign in and send the user's access token",
      thrown,
    );
  return toAppError(thrown);
}
