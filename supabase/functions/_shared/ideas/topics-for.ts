import { dimensions } from "../features/history.ts";
import { innerProduct } from "../features/inner-product.ts";
import type { IdeaPool } from "./idea-pool.ts";
import { needsOf } from "./needs.ts";
import type { IdeaAuthor } from "./pick-ideas.ts";
import type { IdeaTopic } from "./read-idea-source.ts";

/** That a language model is asked about for one author: each takes it seconds. */
const topicsAtMost = 3;

/** The topics an author should hear about: needed, visited, and near to them. null stands for the community as a whole, where there are none. */
export function topicsFor(
  { vector }: Pick<IdeaAuthor, "vector">,
  { topics }: Pick<IdeaPool, "topics">,
): (IdeaTopic | null)[] {
  if (topics.length === 0) return [null];
  const needs = needsOf(topics);
  const worth = (topic: IdeaTopic) =>
    Math.sqrt(topic.demand * (needs.get(topic.id) ?? 1)) *
    Math.exp(vector ? innerProduct(vector, 0, topic.centroid, 0, dimensions) : 0);
  return topics
    .map((topic) => ({ topic, worth: worth(topic) }))
    .sort((a, b) => b.worth - a.worth)
    .slice(0, topicsAtMost)
    .map(({ topic }) => topic);
}
