/** One author must not fill a page: each further post of theirs is worth less. */
import type { Penalty, Selectable } from "./selectable.ts";

/** −log(decay) for each chosen post of the same author. */
export function repeatedAuthor(pool: Selectable[], decay: number): Penalty {
  const loss = -Math.log(decay);
  return ({ post: { author_id } }, values) => {
    if (author_id === null) return;
    for (let i = 0; i < values.length; i++) if (pool[i].post.author_id === author_id) values[i] -= loss;
  };
}
