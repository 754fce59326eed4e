import { smallCommunity } from "../../evaluation/testing.ts";

/**
 * For tests: users 0 and 1 interact with each other's posts and with post 2, which has no author; user 2 does
 * nothing.
 */
export const community = smallCommunity(
  3,
  [
    [0, 0],
    [1, 0],
    [-1, 1],
    [0, 5],
  ],
  [
    [0, 1, 2],
    [1, 2, 3],
    [0, 0, 3],
    [0, 1, 4],
    [0, 2, 6],
    [1, 0, 8],
  ],
);
