/**
 * Finds terms that posts about a subject share and others lack: the points and tags of an idea. Titles of the same form share that form whatever their
 * subject. So a term counts by how much more often than chance it occurs with the subject (Dunning, "Accurate Methods for the Statistics of Surprise and
 * Coincidence", 1993).
 */
import { words } from "../../features/words.ts";
import { severalAuthors } from "./distinct-authors.ts";
import type { Phrasebook } from "./phrasebook.ts";
import { isWord, partsOf, titleOfParts } from "./title-words.ts";

export interface SpeakingPost {
  title: string;
  /** The beginning of its text. */
  text: string;
  tags: string[];
  /** Author number from 0; negative: unknown. */
  author: number;
  topicId: number | null;
  /** Subjects of its title (Phrasebook.subjectsOf). */
  terms: readonly string[];
}

/** Of fewer posts, or fewer authors, nothing is said: it is chance, or one person's. */
const leastPosts = 3;
/** Twice the log-likelihood ratio from which on two things go together by more than chance: of a thousand that do not, one has it. */
const leastRatio = 15;
/** And so many times as often as among all posts: in a large community it is no chance that "hotel" goes with a town. */
const leastLift = 4;
/** A term of a subject also stands next to each other meaningful word of the title in so many posts. */
const leastTogether = 2;
/** A tag of a subject is on at least this share of its posts that have any. */
const tagShare = 0.25;
/** A word is about something where at least this share of its titles stand under tags, or topics, that set them apart. One that only asks stands under all. */
const topicalShare = 0.15;
const [pointsAtMost, tagsAtMost] = [3, 3];
/** A term is part of a longer one if it stands next to the same word this often: "repair" in "cornice repair". */
const alwaysNext = 0.75;
const wordsAtMost = 4;
/** A word in more titles than this share holds them together, and begins or ends no point. */
const [commonShare, commonAtLeast] = [0.01, 20];

/** Of each post some things, each once, and of each thing the posts that have it, by their places. */
class Things {
  readonly of: readonly string[][];
  private readonly places = new Map<string, number[]>();
  /** How many posts have any. */
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
  /** Of words that are about something the posts whose titles have them; null: it is of a form alone. */
  private readonly topical = new Map<string, ReadonlySet<number> | null>();

  constructor(book: Phrasebook, posts: readonly SpeakingPost[]) {
    this.book = book;
    this.posts = posts;
    this.terms = new Things(posts.map(({ terms, text }) => [...terms, ...book.subjectsOf(text)]));
    this.tags = new Things(posts.map(({ tags }) => tags));
    this.topics = new Things(posts.map(({ topicId }) => (topicId === null ? [] : [`${topicId}`])));
    this.titleWords = new Things(posts.map(({ title }) => words(title)));
  }

  /** The posts that name a term (in small letters), by their places; none: they are too few, or of too few authors. */
  about(term: string): readonly number[] {
    const found = this.terms.with(term);
    return this.areSeveral(found) ? found : [];
  }

  /** The rarest of some terms, which tells most of a title's subject. */
  rarestOf(terms: readonly string[]): string | undefined {
    const known = terms.filter((term) => this.about(term).length > 0);
    return known.sort((a, b) => this.about(a).length - this.about(b).length)[0];
  }

  /** Terms that posts about a term have far more often than others and its title lacks: three at most, in their commonest spelling. */
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

  /** The tags that set the posts about a term apart, and that many of them bear: three at most. */
  tagsOf(term: string): string[] {
    const tagged = this.about(term).filter((place) => this.tags.of[place].length > 0);
    const share = (tag: string) => tagged.filter((place) => this.tags.of[place].includes(tag)).length / tagged.length;
    return this.commonTo(tagged, this.tags)
      .filter((tag) => share(tag) >= tagShare)
      .slice(0, tagsAtMost);
  }

  /** The id of the topic that sets the posts about a term apart; null: none does. */
  topicOf(term: string): number | null {
    const [topic] = this.commonTo(this.about(term), this.topics);
    return topic === undefined ? null : Number(topic);
  }

  /** Whether posts about the title's terms have all other subjects of a text far more often than others. */
  isOf(title: string, text: string): boolean {
    const own = this.book.subjectsOf(title);
    const common = new Set(own.flatMap((term) => this.commonTo(this.about(term), this.terms)));
    return this.book.subjectsOf(text).every((term) => own.includes(term) || common.has(term));
  }

  /** The terms that are typical of some posts, the strongest first. */
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
    // code units decide between equals, so that the same posts say the same
    return found.sort((a, b) => b.ratio - a.ratio || (a.key < b.key ? -1 : 1)).map(({ key }) => key);
  }

  /** Whether some posts are enough, and of several authors. */
  private areSeveral(places: readonly number[]): boolean {
    const authors = new Set(places.map((place) => this.posts[place].author).filter((author) => author >= 0));
    return places.length >= leastPosts && authors.size >= severalAuthors;
  }

  /** Posts about the other terms of a title, and posts whose titles share a meaningful word with it. */
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

  /** A term with the words that nearly always stand next to it, as most people write it; undefined: these are half a sentence. */
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

  /** Whether a word is in many titles and about nothing: no point begins or ends with it. */
  private isOfForms(word: string): boolean {
    const most = Math.max(commonAtLeast, commonShare * this.posts.length);
    return this.titleWords.with(word).length > most && this.topicalPosts(word) === null;
  }
}

/** Where a term stands in a text. */
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

/** The uses in which the same word stands before (-1) or behind (1), and with that word, where these are nearly all. */
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
    // the first word of a text has its capital letter for being the first
    counts.set(written, (counts.get(written) ?? 0) + (start === 0 ? 0.1 : 1));
  }
  let [best, most]: [string | undefined, number] = [undefined, 0];
  for (const [written, count] of counts) if (count > most) [best, most] = [written, count];
  return best;
}

/** Twice the logarithm of how much likelier it is that `n` posts have their own share (`a` of them) than that of all (`all` of `total`). */
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
