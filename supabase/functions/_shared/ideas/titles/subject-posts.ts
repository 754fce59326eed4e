/**
 * Finds terms that posts about a subject share and others lack: points and tags of an idea. Terms are scored by their
 * log-likelihood ratio with the subject (Dunning, "Statistics of Surprise and Coincidence", 1993).
 */
import { words } from "../../features/words.ts";
import { severalAuthors } from "./distinct-authors.ts";
import type { Phrasebook } from "./phrasebook.ts";
import { isWord, partsOf, titleOfParts } from "./title-words.ts";

export interface SpeakingPost {
  title: string;
  /** Start of its text. */
  text: string;
  tags: string[];
  /** Author number from 0; negative if unknown. */
  author: number;
  topicId: number | null;
  /** Subjects of its title (Phrasebook.subjectsOf). */
  terms: readonly string[];
}

/** Minimum number of posts; fewer are chance. */
const leastPosts = 3;
/** Minimum log-likelihood ratio (G²); chance rarely reaches it. */
const leastRatio = 15;
/** Minimum lift over all posts: in a large community, even weak associations are significant. */
const leastLift = 4;
/** Minimum number of posts that have both the term and another meaningful word of the title. */
const leastTogether = 2;
/** Minimum share of the subject's tagged posts that have the tag. */
const tagShare = 0.25;
/**
 * A word is topical if at least this share of its titles has tags or topics that are typical
 * of it; a mere function word has none.
 */
const topicalShare = 0.15;
const [pointsAtMost, tagsAtMost] = [3, 3];
/** A term is part of a longer one if it has the same neighbour this often: "repair" in "cornice repair". */
const alwaysNext = 0.75;
const wordsAtMost = 4;
/** A word in more titles than this is a function word, and no point begins or ends with it. */
const [commonShare, commonAtLeast] = [0.01, 20];

/** An index of posts and their distinct features, in both directions; posts are indices. */
class Things {
  readonly of: readonly string[][];
  private readonly places = new Map<string, number[]>();
  /** Number of posts with any feature. */
  readonly posts: number;

  constructor(of: readonly (readonly string[])[]) {
    this.of = of.map((each) => [...new Set(each)]);
    this.posts = this.of.filter((each) => each.length > 0).length;
    for (const [place, each] of this.of.entries())
      for (const key of each) {
        const places = this.places.get(key);
        if (places) places.push(place);
        else this.places.set(key, [place]);
      }
  }

  with(key: string): readonly number[] {
    return this.places.get(key) ?? [];
  }
}

export class SubjectPosts {
  private readonly book: Phrasebook;
  private readonly posts: readonly SpeakingPost[];
  /** Subjects of a post's title and text. */
  private readonly terms: Things;
  private readonly tags: Things;
  private readonly topics: Things;
  private readonly titleWords: Things;
  private readonly wholes = new Map<string, string | undefined>();
  /** By word: the posts whose titles have it, or null if the word is not topical. */
  private readonly topical = new Map<string, ReadonlySet<number> | null>();

  constructor(book: Phrasebook, posts: readonly SpeakingPost[]) {
    this.book = book;
    this.posts = posts;
    this.terms = new Things(posts.map(({ terms, text }) => [...terms, ...book.subjectsOf(text)]));
    this.tags = new Things(posts.map(({ tags }) => tags));
    this.topics = new Things(posts.map(({ topicId }) => (topicId === null ? [] : [`${topicId}`])));
    this.titleWords = new Things(posts.map(({ title }) => words(title)));
  }

  /** Indices of the posts that have a term (lower case); empty if they are too few or of too few authors. */
  about(term: string): readonly number[] {
    const found = this.terms.with(term);
    return this.areSeveral(found) ? found : [];
  }

  /** The rarest of the terms, the most specific one. */
  rarestOf(terms: readonly string[]): string | undefined {
    const known = terms.filter((term) => this.about(term).length > 0);
    return known.sort((a, b) => this.about(a).length - this.about(b).length)[0];
  }

  /** Terms typical of posts about a term and not in its title: at most three, in their usual spelling. */
  pointsOf(term: string, title: string): string[] {
    const said = new Set(words(title));
    const others = this.othersIn(title, term);
    const points: string[] = [];
    for (const key of this.commonTo(this.about(term), this.terms)) {
      const point = this.wholeOf(key);
      const parts = words(point ?? "");
      if (!point || parts.length === 0 || parts.some((word) => said.has(word))) continue;
      if (!others.every((places) => this.goTogether(this.terms.with(key), places))) continue;
      points.push(point);
      for (const word of parts) said.add(word);
      if (points.length === pointsAtMost) break;
    }
    return points;
  }

  /** Tags typical of posts about a term and frequent among them: at most three. */
  tagsOf(term: string): string[] {
    const tagged = this.about(term).filter((place) => this.tags.of[place].length > 0);
    const share = (tag: string) => tagged.filter((place) => this.tags.of[place].includes(tag)).length / tagged.length;
    return this.commonTo(tagged, this.tags)
      .filter((tag) => share(tag) >= tagShare)
      .slice(0, tagsAtMost);
  }

  /** Id of the topic most typical of posts about a term; null if there is none. */
  topicOf(term: string): number | null {
    const [topic] = this.commonTo(this.about(term), this.topics);
    return topic === undefined ? null : Number(topic);
  }

  /** Whether all subjects of a text are in the title, or typical of posts about the title's terms. */
  isOf(title: string, text: string): boolean {
    const own = this.book.subjectsOf(title);
    const common = new Set(own.flatMap((term) => this.commonTo(this.about(term), this.terms)));
    return this.book.subjectsOf(text).every((term) => own.includes(term) || common.has(term));
  }

  /** Features typical of some posts, strongest first. */
  private commonTo(about: readonly number[], things: Things): string[] {
    const counts = new Map<string, number>();
    for (const place of about) for (const key of things.of[place]) counts.set(key, (counts.get(key) ?? 0) + 1);
    const found: { key: string; ratio: number }[] = [];
    for (const [key, count] of counts) {
      const all = things.with(key).length;
      if (count < leastPosts || count * things.posts < leastLift * about.length * all) continue;
      const ratio = logLikelihoodRatio(count, about.length, all, things.posts);
      if (ratio >= leastRatio && this.areSeveral(about.filter((place) => things.of[place].includes(key))))
        found.push({ key, ratio });
    }
    // ties by code units, so that equal posts give equal results
    return found.sort((a, b) => b.ratio - a.ratio || (a.key < b.key ? -1 : 1)).map(({ key }) => key);
  }

  /** Whether posts are enough, and of several authors. */
  private areSeveral(places: readonly number[]): boolean {
    const authors = new Set(places.map((place) => this.posts[place].author).filter((author) => author >= 0));
    return places.length >= leastPosts && authors.size >= severalAuthors;
  }

  /** Post sets that a point must go with: of each other term of the title, and of each topical word in it. */
  private othersIn(title: string, term: string): ReadonlySet<number>[] {
    const terms = this.book.subjectsOf(title);
    const inTerms = new Set([term, ...terms].flatMap((each) => words(each)));
    const rest = [...new Set(words(title))].filter((word) => !inTerms.has(word));
    return [
      ...terms.filter((each) => each !== term).map((each) => new Set(this.terms.with(each))),
      ...rest.flatMap((word) => this.topicalPosts(word) ?? []),
    ];
  }

  private topicalPosts(word: string): ReadonlySet<number> | null {
    let found = this.topical.get(word);
    if (found === undefined) {
      const places = this.titleWords.with(word);
      const isTopical = [this.tags, this.topics].some((things) => {
        const apart = this.commonTo(places, things);
        const under = places.filter((place) => apart.some((each) => things.of[place].includes(each)));
        return apart.length > 0 && under.length >= topicalShare * places.length;
      });
      found = isTopical ? new Set(places) : null;
      this.topical.set(word, found);
    }
    return found;
  }

  private goTogether(some: readonly number[], others: ReadonlySet<number>): boolean {
    const both = some.filter((place) => others.has(place)).length;
    return both >= leastTogether && both * this.posts.length >= leastLift * some.length * others.size;
  }

  /** A term extended by its constant neighbours, in its usual spelling; undefined if that gives half a sentence. */
  private wholeOf(term: string): string | undefined {
    if (!this.wholes.has(term)) this.wholes.set(term, this.lengthened(term.split(" ")));
    return this.wholes.get(term);
  }

  private lengthened(term: string[]): string | undefined {
    let uses: Use[] = [];
    for (const place of this.terms.with(term.join(" "))) {
      const { title, text, author } = this.posts[place];
      for (const written of [title, text]) uses.push(...usesOf(term, partsOf(written), author));
    }
    let whole = mostWritten(uses);
    for (let length = term.length; ; length++) {
      const longer = withNext(uses, -1) ?? withNext(uses, 1);
      if (!longer) return whole;
      if (length === wordsAtMost) return undefined;
      uses = longer.uses;
      if (!this.isOfForms(longer.word)) whole = mostWritten(uses);
    }
  }

  /** Whether a word is frequent and not topical, so that no point begins or ends with it. */
  private isOfForms(word: string): boolean {
    const most = Math.max(commonAtLeast, commonShare * this.posts.length);
    return this.titleWords.with(word).length > most && this.topicalPosts(word) === null;
  }
}

/** An occurrence of a term in a text. */
interface Use {
  parts: string[];
  start: number;
  end: number;
  author: number;
}

function usesOf(term: readonly string[], parts: string[], author: number): Use[] {
  const small = parts.map((part) => part.toLowerCase());
  const uses: Use[] = [];
  for (let start = 0; start + term.length <= parts.length; start++)
    if (term.every((word, i) => small[start + i] === word))
      uses.push({ parts, start, end: start + term.length, author });
  return uses;
}

/**
 * The occurrences with the most frequent neighbour before (-1) or after (1), extended by it;
 * undefined if it is not frequent enough.
 */
function withNext(uses: readonly Use[], side: -1 | 1): { word: string; uses: Use[] } | undefined {
  const found = new Map<string, Use[]>();
  for (const { parts, start, end, author } of uses) {
    const next = parts[side < 0 ? start - 1 : end]?.toLowerCase();
    if (next === undefined || !isWord(next)) continue;
    const own = found.get(next) ?? [];
    found.set(next, own);
    own.push({ parts, start: side < 0 ? start - 1 : start, end: side < 0 ? end : end + 1, author });
  }
  for (const [word, own] of found)
    if (own.length >= alwaysNext * uses.length && new Set(own.map(({ author }) => author)).size >= severalAuthors)
      return { word, uses: own };
  return undefined;
}

function mostWritten(uses: readonly Use[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { parts, start, end } of uses) {
    const written = titleOfParts(parts.slice(start, end));
    // the first word of a text is capitalised anyway
    counts.set(written, (counts.get(written) ?? 0) + (start === 0 ? 0.1 : 1));
  }
  let [best, most]: [string | undefined, number] = [undefined, 0];
  for (const [written, count] of counts) if (count > most) [best, most] = [written, count];
  return best;
}

/** Log-likelihood ratio G² of the 2 × 2 table: `a` of `n` posts against `all` of `total`. */
function logLikelihoodRatio(a: number, n: number, all: number, total: number): number {
  const part = (observed: number, expected: number) => (observed > 0 ? observed * Math.log(observed / expected) : 0);
  const expected = (n * all) / total;
  return (
    2 *
    (part(a, expected) +
      part(n - a, n - expected) +
      part(all - a, all - expected) +
      part(total - n - all + a, total - n - all + expected))
  );
}
