/** One author must not fill a page: each further post of theirs is worth less. */
import type { Penalty, Selectable } from "./selectable.ts";

/** −log(decay) for each chosen post of the same author. */
export function repeatedAuthor(pool: Selectable[], decay: number): Penalty {
  const loss = -Math.log(decay);
  const chosen = new Map<string, number>();
  return {
    of(i) {
      const author = pool[i].post.author_id;
      return author === null ? 0 : loss * (chosen.get(author) ?? 0);
    },
    chose(i) {
      const author = pool[i].post.author_id;
      if (author !== null) chosen.set(author, (chosen.get(author) ?? 0) + 1);
    },
  };
}
