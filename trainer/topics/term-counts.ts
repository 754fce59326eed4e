/** In how many posts of each topic a term stands, each author counted once: who writes one phrase a thousand times names no topic by it. */
import { type PostWords, termsOf } from "./terms.ts";

export interface NamingPost extends PostWords {
  /** null: nobody who is known, and then a post counts for itself. */
  author_id: string | null;
  /** Whether visitors may read it, too. */
  is_public: boolean;
}

export interface TermCount {
  /** Authors who have it in this topic. */
  authors: number;
  /** Those who have it in a post that visitors may read. */
  publicly: number;
  /** How it is written, and how often so. */
  shown: Map<string, number>;
}

/** Of one topic. */
export interface TopicTerms {
  /** How many authors, or posts of nobody. */
  authors: number;
  terms: Map<string, TermCount>;
}

/** Counts the terms of the posts of one topic. */
export function countTerms(posts: NamingPost[]): TopicTerms {
  const terms = new Map<string, TermCount & { seen: Set<string>; seenPublicly: Set<string> }>();
  const authors = new Set<string>();
  for (const [i, post] of posts.entries()) {
    const author = post.author_id ?? `post ${i}`;
    authors.add(author);
    termsOf(post, (key, shown) => {
      let term = terms.get(key);
      if (!term) {
        term = { authors: 0, publicly: 0, shown: new Map(), seen: new Set(), seenPublicly: new Set() };
        terms.set(key, term);
      }
      term.seen.add(author);
      if (post.is_public) term.seenPublicly.add(author);
      if (shown !== null) term.shown.set(shown, (term.shown.get(shown) ?? 0) + 1);
    });
  }
  const counted = new Map<string, TermCount>();
  for (const [key, { seen, seenPublicly, shown }] of terms)
    counted.set(key, { authors: seen.size, publicly: seenPublicly.size, shown });
  return { authors: authors.size, terms: counted };
}

/** All topics together: how many authors have each term, those of two topics counted twice. */
export class AllTerms {
  readonly terms = new Map<string, number>();
  authors = 0;

  add(topic: TopicTerms): void {
    this.authors += topic.authors;
    for (const [key, { authors }] of topic.terms) this.terms.set(key, (this.terms.get(key) ?? 0) + authors);
  }
}
