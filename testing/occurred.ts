/** For tests with random rounds: how often what they are for occurred. */
import assert from "node:assert/strict";

/** Counts what occurred. */
export function tally({ occurred }: { occurred: Map<string, number> }, what: string, times: number): void {
  occurred.set(what, (occurred.get(what) ?? 0) + times);
}

/** Once in so many requests each of these has to occur. */
const leastParts: Record<string, number> = {
  "pinned by its id": 250,
  "pinned by its filter": 100,
  "weighed by its id": 250,
  "weighed by its filter": 50,
  "a pin that its reader may not be shown": 20,
  "pages in shares of groups": 50,
  "posts of small groups": 250,
  "a floor of small groups": 20,
  "folded, with a link": 50,
  "an older post folded into a newer": 50,
  "reposts left out": 100,
  "titles that their reader may not read": 1,
  "new posts that nobody may be told of": 10,
};

/** A test in which one of them never occurs would find nothing of it. */
export function assertOccurred(occurred: Map<string, number>, requests: number): void {
  for (const [what, part] of Object.entries(leastParts))
    assert.ok((occurred.get(what) ?? 0) > requests / part, `${what}: ${occurred.get(what)}`);
}
