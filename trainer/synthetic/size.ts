import { UserError } from "../../db/user-error.ts";

/** How large a synthetic community is; what is left out has the value of `defaultSize`. */
export interface SyntheticSize {
  users?: number;
  posts?: number;
  /** How many days are simulated. */
  days?: number;
}

/** About 63,000 interactions: what `npm start` can import, learn and serve in three minutes on two cores. */
const defaultSize: Required<SyntheticSize> = { users: 1000, posts: 2500, days: 90 };

const smallest: Required<SyntheticSize> = { users: 20, posts: 10, days: 2 };

/** The size with its defaults. @throws UserError for one that is too small or no whole number */
export function fullSize(size: SyntheticSize): Required<SyntheticSize> {
  const full = { ...defaultSize, ...size };
  for (const key of ["users", "posts", "days"] as const) {
    if (!Number.isSafeInteger(full[key]) || full[key] < smallest[key]) {
      throw new UserError(
        `a synthetic community takes at least ${smallest[key]} ${key}, in whole numbers, not ${full[key]}`,
      );
    }
  }
  return full;
}
