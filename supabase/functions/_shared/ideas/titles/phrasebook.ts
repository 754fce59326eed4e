/**
 * The community's language as its titles show it: adjacent words, names, and the contexts of each term. Terms with the
 * same contexts are interchangeable (Harris, "Distributional structure", 1954).
 */
import { DistinctAuthorCounts, severalAuthors } from "./distinct-authors.ts";
import { phrasesOfForms } from "./shared-forms.ts";
import { isPlain, isWord, partsOf, titleOfParts } from "./title-words.ts";

export interface TitledPost {
  title: string;
  /** A number from 0; negative if unknown. */
  author: number;
  /** Distinct other users within a week. */
  people: number;
}

/** A plain title with a term that another one may replace. */
export interface TitleForm {
  /** The parts before and after the term; `before` is never empty. */
  before: string[];
  behind: string[];
  /** The term in the title, in lower case. */
  term: string;
  /** Whether the title has another term, to which a replacement has to fit. */
  hasOther: boolean;
  people: number;
}

/** Below this number of titles, two authors suffice for a usual word pair, since three hardly ever share one. */
const smallCommunity = 5_000;
/** Minimum share of capitalised occurrences inside titles that makes a word a name. */
const nameShare = 0.7;
const longestTerm = 3;
/** Maximum number of contexts per term, which saves memory. */
const placesAtMost = 200;
/** Maximum number of terms stored per form, and of those compared for whether they belong together. */
const fillingsAtMost = 64;
const fillingsAsked = 8;
/** Maximum number of similar terms per term. */
const likesAtMost = 50;

export class Phrasebook {
  readonly forms: TitleForm[] = [];
  private readonly written = new Set<string>();
  private readonly numbers = new Map<string, number>();
  private readonly pairs = new DistinctAuthorCounts<number>();
  private readonly placesOf = new Map<string, Set<string>>();
  private readonly termsIn = new Map<string, Set<string>>();
  private readonly users = new DistinctAuthorCounts<string>();
  private readonly wordUsers = new DistinctAuthorCounts<string>();
  private readonly fillings = new Map<string, Set<string>>();
  private readonly spellings = new Map<string, Map<string, number>>();
  private readonly isTerm: (phrase: string) => boolean;
  private readonly beginsTerm: ReadonlySet<string>;
  private readonly usualFor: number;

  /** `terms`: lower-case words and phrases that are subjects without being names: of topics, or tags. */
  constructor(posts: readonly TitledPost[], terms: ReadonlySet<string>) {
    const titles = posts.map(({ title }) => partsOf(title));
    const small = titles.map((parts) => parts.map((part) => part.toLowerCase()));
    const names = namesOf(titles);
    const phrases = phrasesOfForms(
      small,
      posts.map(({ author }) => author),
    );
    // as parts: a script without spaces would otherwise not match
    const subjects = new Set(Array.from(terms, (term) => partsOf(term).join(" ")));
    this.isTerm = (phrase) =>
      subjects.has(phrase) || phrases.has(phrase) || phrase.split(" ").every((word) => names.has(word));
    this.beginsTerm = new Set([...names, ...[...subjects, ...phrases].map((phrase) => phrase.split(" ", 1)[0])]);
    this.usualFor = posts.length < smallCommunity ? 2 : severalAuthors;
    const mean = posts.reduce((sum, { people }) => sum + people, 0) / Math.max(1, posts.length);
    for (const [i, parts] of titles.entries()) this.read(posts[i], parts, small[i], mean);
  }

  private read({ title, author, people }: TitledPost, parts: string[], small: string[], mean: number): void {
    for (let at = 0; at <= parts.length; at++) this.pairs.add(this.pair(small[at - 1], small[at]), author);
    this.written.add(title.toLowerCase());
    for (const part of small) this.wordUsers.add(part, author);
    const lends = people > mean && isPlain(title, parts);
    // the first word is capitalised anyway
    for (let start = 1; start < parts.length; start++) {
      if (!this.beginsTerm.has(small[start])) continue;
      for (let end = start + 1; end <= Math.min(parts.length, start + longestTerm) && isWord(parts[end - 1]); end++) {
        const term = small.slice(start, end).join(" ");
        if (!this.isTerm(term)) continue;
        this.put(term, titleOfParts(parts.slice(start, end)), small[start - 1], small[end], author);
        // part of a longer name: "United" of "United Kingdom"
        if (this.isTerm(small[start - 1]) || (end < parts.length && this.isTerm(small[end]))) continue;
        const [before, behind] = [parts.slice(0, start), parts.slice(end)];
        const form = formOf({ before, behind });
        this.users.add(form, author);
        const fillings = entryOf(this.fillings, form, () => new Set<string>());
        if (fillings.size < fillingsAtMost) fillings.add(term);
        if (!lends) continue;
        const hasOther = [...small.slice(1, start), ...small.slice(end)].some((word) => this.isTerm(word));
        this.forms.push({ before, behind, term, hasOther, people });
      }
    }
  }

  private put(term: string, spelling: string, before: string, behind: string | undefined, author: number): void {
    this.users.add(term, author);
    const spellings = entryOf(this.spellings, term, () => new Map<string, number>());
    spellings.set(spelling, (spellings.get(spelling) ?? 0) + 1);
    const place = placeOf(before, behind);
    const places = entryOf(this.placesOf, term, () => new Set<string>());
    if (places.size >= placesAtMost && !places.has(place)) return;
    places.add(place);
    entryOf(this.termsIn, place, () => new Set<string>()).add(term);
    this.users.add(place, author);
  }

  /** Whether a title exists with these letters, regardless of case. */
  isWritten(title: string): boolean {
    return this.written.has(title.toLowerCase());
  }

  /**
   * Whether two adjacent parts occur so in titles of several authors (two in a small community);
   * undefined is a title's start or end.
   */
  isUsual(left: string | undefined, right: string | undefined): boolean {
    return this.pairs.count(this.pair(left?.toLowerCase(), right?.toLowerCase())) >= this.usualFor;
  }

  /** A sample of the terms with which several authors filled a form; empty if fewer authors or terms did. */
  fillingsOf(form: TitleForm): string[] {
    const key = formOf(form);
    const fillings = this.fillings.get(key);
    if (!fillings || fillings.size < severalAuthors || this.users.count(key) < severalAuthors) return [];
    const each = Math.ceil(fillings.size / fillingsAsked);
    return [...fillings].filter((_, i) => i % each === 0);
  }

  /** Terms that occur between the same words as a form's own, in titles of several authors. */
  termsFor({ before, behind }: TitleForm): string[] {
    const place = placeOf(before[before.length - 1].toLowerCase(), behind[0]?.toLowerCase());
    if (this.users.count(place) < severalAuthors) return [];
    return [...(this.termsIn.get(place) ?? [])].filter((term) => this.users.count(term) >= severalAuthors);
  }

  /** Terms of several authors that share at least two contexts with a term, most similar first. */
  termsLike(term: string): string[] {
    return entryOf(this.likes, term, () => {
      const shared = new Map<string, number>();
      for (const place of this.placesOf.get(term) ?? [])
        for (const other of this.termsIn.get(place) ?? []) shared.set(other, (shared.get(other) ?? 0) + 1);
      return [...shared]
        .filter(([other, places]) => places > 1 && other !== term && this.users.count(other) >= severalAuthors)
        .map(([other]) => ({ other, alike: this.alike(term, other) }))
        .sort((a, b) => b.alike - a.alike)
        .slice(0, likesAtMost)
        .map(({ other }) => other);
    });
  }

  /** Similarity of two terms: cosine of their contexts, rare ones weighing more; 0 if they share fewer than two. */
  alike(one: string, other: string): number {
    const [a, b] = [this.placesOf.get(one), this.placesOf.get(other)];
    if (!a || !b) return 0;
    const [few, many] = a.size < b.size ? [a, b] : [b, a];
    let [shared, common] = [0, 0];
    for (const place of few)
      if (many.has(place)) {
        shared += this.weightOf(place);
        common++;
      }
    return common < 2 ? 0 : shared / Math.sqrt(this.lengthOf(one, a) * this.lengthOf(other, b));
  }

  /** Whether several authors used a word in their titles; most personal names are not. */
  isKnown(word: string): boolean {
    return this.wordUsers.count(word.toLowerCase()) >= severalAuthors;
  }

  /** A title's terms that several authors use, in their usual spelling. */
  termsOf(title: string): string[] {
    const parts = partsOf(title);
    return parts
      .slice(1)
      .map((part) => part.toLowerCase())
      .filter((part) => this.isTerm(part) && this.users.count(part) >= severalAuthors)
      .map((term) => this.spelt(term));
  }

  /** Whether titles have a term (lower case). */
  isSubject(term: string): boolean {
    return this.isTerm(term) && this.users.count(term) > 0;
  }

  /** A title's distinct terms in lower case; of nested terms the longest. */
  subjectsOf(title: string): string[] {
    const parts = partsOf(title).map((part) => part.toLowerCase());
    const found = new Set<string>();
    for (let start = 0; start < parts.length; start++) {
      if (!this.beginsTerm.has(parts[start])) continue;
      for (let end = Math.min(parts.length, start + longestTerm); end > start; end--) {
        const term = parts.slice(start, end).join(" ");
        if (!this.isSubject(term)) continue;
        found.add(term);
        start = end - 1;
        break;
      }
    }
    return [...found];
  }

  /** The usual spelling of a term. */
  spelt(term: string): string {
    let [best, most] = [term, 0];
    for (const [spelling, count] of this.spellings.get(term) ?? []) if (count > most) [best, most] = [spelling, count];
    return best;
  }

  private weightOf(place: string): number {
    return 1 / Math.log(2 + (this.termsIn.get(place)?.size ?? 0)) ** 2;
  }

  private readonly likes = new Map<string, string[]>();
  private readonly lengths = new Map<string, number>();

  private lengthOf(term: string, places: Set<string>): number {
    return entryOf(this.lengths, term, () => {
      let length = 0;
      for (const place of places) length += this.weightOf(place);
      return length;
    });
  }

  private pair(left: string | undefined, right: string | undefined): number {
    return this.numberOf(left) * 2 ** 24 + this.numberOf(right);
  }

  private numberOf(part: string | undefined): number {
    return part === undefined ? 0 : entryOf(this.numbers, part, () => this.numbers.size + 1);
  }
}

/** A title with a gap in place of the term. */
function formOf({ before, behind }: Pick<TitleForm, "before" | "behind">): string {
  return `${before.join(" ")} _ ${behind.join(" ")}`.toLowerCase();
}

function placeOf(before: string, behind: string | undefined): string {
  return `${before} _ ${behind === undefined || /^[?？؟]$/.test(behind) ? "" : behind}`;
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** Words that are mostly capitalised inside sentences, without numbers and single letters. */
function namesOf(titles: string[][]): Set<string> {
  const counts = new Map<string, { capital: number; all: number }>();
  for (const parts of titles)
    for (let at = 1; at < parts.length; at++) {
      const part = parts[at];
      // a sentence may begin after punctuation, as in "Turkey - " or "Paris: "
      if (!isWord(parts[at - 1]) || part.length < 2 || !/^\p{L}/u.test(part)) continue;
      const count = entryOf(counts, part.toLowerCase(), () => ({ capital: 0, all: 0 }));
      count.all++;
      if (/^\p{Lu}/u.test(part)) count.capital++;
    }
  return new Set([...counts].filter(([, { capital, all }]) => capital >= nameShare * all).map(([word]) => word));
}
