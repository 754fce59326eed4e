import { BundleError } from "../bundle/open-bundle.ts";
import type { FollowRecord } from "../bundle/records.ts";
import type { KnownIds } from "./known-ids.ts";

/**
 * What the follows of a bundle are of, as the app's tables name it: people by their uuid, the rest as it is called.
 *
 * @throws BundleError where somebody is unknown, follows themselves, or follows the same twice
 */
export function followTargets(users: KnownIds): (follows: FollowRecord[], lines: number[], file: string) => string[] {
  const known = new Set<string>();
  return (follows, lines, file) => {
    const people = users.find(
      follows.map(({ kind, target_id }) => (kind === "person" ? target_id : null)),
      lines,
      file,
    );
    for (const [i, { user_id, kind, target_id }] of follows.entries()) {
      const follow = JSON.stringify([user_id, kind, target_id]);
      if (kind === "person" && target_id === user_id)
        throw new BundleError(file, lines[i], `${JSON.stringify(user_id)} follows themselves`);
      if (known.has(follow))
        throw new BundleError(file, lines[i], `${JSON.stringify(user_id)} follows ${JSON.stringify(target_id)} twice`);
      known.add(follow);
    }
    return follows.map(({ target_id }, i) => people[i] ?? target_id);
  };
}
