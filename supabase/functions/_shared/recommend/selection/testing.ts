/** For tests: candidates of a page, and the page that is made of them. */
import { dimensions } from "../../features/history.ts";
import { sourceNames } from "../../features/retrieval.ts";
import { selectPage } from "./select-page.ts";
import type { Selectable } from "./selectable.ts";

/** With nothing set. */
export const plain = { diversity: 0, author_decay: 1, topic_share: 1, group_share: 1 };
const nowhere = Object.fromEntries(sourceNames.map((source) => [source, null])) as Selectable["post"]["ranks"];

/** A unit vector, at an angle in the plane of the first two axes. */
function at(degrees: number): Float32Array {
  const vector = new Float32Array(dimensions);
  vector[0] = Math.cos((degrees / 180) * Math.PI);
  vector[1] = Math.sin((degrees / 180) * Math.PI);
  return vector;
}

interface Given {
  author?: string;
  degrees?: number;
  topic?: number;
  group?: string;
  title?: string;
}

export function candidate(
  post_id: string,
  score: number,
  { author, degrees, topic, group, title }: Given = {},
): Selectable {
  return {
    score,
    post: {
      post_id,
      title: title ?? post_id,
      author_id: author ?? null,
      created_at: 0,
      embedding: degrees === undefined ? null : at(degrees),
      ranks: nowhere,
      topic_id: topic ?? null,
      group: group ?? null,
    },
  };
}

/** The ids of a page, in order. */
export function page(posts: Selectable[], limit: number, settings: Partial<typeof plain>): string {
  const selected = selectPage([...posts], limit, { ...plain, ...settings });
  return selected.map(({ chosen }) => chosen.post.post_id).join(" ");
}
