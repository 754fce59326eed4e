/** In how many posts of each topic a term stands, each author counted once: who writes one phrase a thousand times names no topic by it. */
import { type PostWords, termsOf } from "./terms.ts";

export interface NamingPost extends PostWords {
  /** null: unknown, and then a post counts for itself. */
  author_id: string | null;
  /** Whether visitors may read it, and are shown the same words. */
  is_public: boolean;
}

/** A word that fewer authors use names no topic; in a topic of fewer authors all of them do. */
const fewestAuthors = 3;

export interface TermCount {
  /** Authors who have it in this topic. */
  authors: number;
  /** Whether as many as are needed have it in a post that visitors may read. */
  isPublic: boolean;
  /** As most write it within a sentence. */
  shown: string;
}

/** Of one topic. */
export interface TopicTerms {
  /** How many authors, or posts without an author. */
  authors: number;
  /** Those that may name it. */
  terms: Map<string, TermCount>;
}

/** A term while posts are counted, author after author: sets of authors for each took ten times the memory. */
interface Seen {
  authors: number;
  publicly: number;
  /** The last author who was counted, and who was for a public post. */
  last: number;
  lastPublicly: number;
  /** How it is written, and how often so; null: nowhere within a sentence yet. */
  shown: Map<string, number> | null;
}

/** All topics together: how many authors have each term, those of two topics counted twice. */
export class AllTerms {
  readonly terms = new Map<string, number>();
  authors = 0;

  /** Counts the terms of the posts of one more topic. Most stand in one post alone, and of those only the number is kept. */
  count(posts: NamingPost[]): TopicTerms {
    const seen = new Map<string, Seen>();
    const byAuthor = [...posts].sort((a, b) => compare(a.author_id ?? "", b.author_id ?? ""));
    let author = 0;
    for (const [i, post] of byAuthor.entries()) {
      if (i === 0 || post.author_id === null || post.author_id !== byAuthor[i - 1].author_id) author++;
      termsOf(post, (key, shown) => {
        let term = seen.get(key);
        if (!term) {
          term = { authors: 0, publicly: 0, last: 0, lastPublicly: 0, shown: null };
          seen.set(key, term);
        }
        if (term.last !== author) term.authors++;
        term.last = author;
        if (post.is_public) {
          if (term.lastPublicly !== author) term.publicly++;
          term.lastPublicly = author;
        }
        if (shown !== null) {
          term.shown ??= new Map();
          term.shown.set(shown, (term.shown.get(shown) ?? 0) + 1);
        }
      });
    }
    this.authors += author;
    const needed = Math.min(fewestAuthors, author);
    const terms = new Map<string, TermCount>();
    for (const [key, { authors, publicly, shown }] of seen) {
      this.terms.set(key, (this.terms.get(key) ?? 0) + authors);
      if (authors < needed) continue;
      terms.set(key, { authors, isPublic: publicly >= needed, shown: mostUsed(shown) ?? key });
    }
    return { authors: author, terms };
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function mostUsed(shown: Map<string, number> | null): string | undefined {
  let [best, most]: [string | undefined, number] = [undefined, 0];
  for (const [text, times] of shown ?? []) if (times > most) [best, most] = [text, times];
  return best;
}
