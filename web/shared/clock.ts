import type { Config } from "./config.ts";

/** The instant that the community's posts and the recommender go by, milliseconds since 1970: now, but for an archive on this machine. */
export function nowOf({ clockShift = 0 }: Config): number {
  return Date.now() - clockShift;
}
