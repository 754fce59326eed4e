/**
 * Names topics by the terms that set their posts apart from all others: the log-odds ratio with an informative Dirichlet prior (Monroe,
 * Colaresi and Quinn, "Fightin' Words", 2008), divided by its standard error, so that neither common words nor single ones come first.
 */
import { stemmer } from "stemmer";
import type { AllTerms, TermCount, TopicTerms } from "./term-counts.ts";
import { termKeyOf } from "./terms.ts";

/** How many authors the prior counts for: what all topics say of a term, against what this one does. */
const priorAuthors = 10;
/** Below two standard errors a difference may be chance. */
const leastZ = 2;
const mostTerms = 10;
const labelTerms = 3;
const separator = ", ";
/** Of the terms in their order, these are looked at: behind them nothing sets posts apart. */
const looked = 200;
/** A phrase takes the place of its words where at least this share of the authors who use the word use the phrase. */
const phraseShare = 0.4;
/** Words that begin with the same five letters, and of which one goes no further, are one. */
const fewestSharedLetters = 5;

export interface TopicName {
  label: string;
  terms: string[];
  isPublic: boolean;
}

interface Term {
  key: string;
  /** As it is compared with others: its words' stems, in alphabetical order. */
  stems: string[];
  count: TermCount;
  z: number;
}

/** All that sets a topic's posts apart, the strongest first; where nothing does, as in a community of one topic, what is common in it. */
export function distinctiveTerms(topic: TopicTerms, all: AllTerms): Term[] {
  const common: Term[] = [];
  for (const [key, count] of topic.terms) {
    const z = logOdds(count.authors, topic.authors, all.terms.get(key) ?? count.authors, all.authors);
    common.push({ key, stems: key.split(" ").map(stemmer).sort(), count, z });
  }
  const apart = common.filter(({ z }) => z >= leastZ);
  // code units decide between equals, so that the same posts give the same names
  const byKey = (a: Term, b: Term) => (a.key < b.key ? -1 : 1);
  return apart.length > 0
    ? apart.sort((a, b) => b.z - a.z || byKey(a, b))
    : common.sort((a, b) => b.count.authors - a.count.authors || byKey(a, b));
}

/** The strongest of them, no two of which say the same. */
function tellingTerms(found: Term[]): Term[] {
  const kept: Term[] = [];
  for (const term of found.slice(0, looked)) {
    const rivals = kept.filter((other) => other.stems.some((stem) => term.stems.some((own) => isSameWord(own, stem))));
    if (rivals.length === 0) kept.push(term);
    else if (saysMore(term, rivals)) {
      kept[kept.indexOf(rivals[0])] = term;
      for (const other of rivals.slice(1)) kept.splice(kept.indexOf(other), 1);
    }
  }
  return kept.slice(0, mostTerms);
}

/** Whether two stems are of one word: japan and japanes are to a reader. */
function isSameWord(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short === long || (short.length >= fewestSharedLetters && long.startsWith(short));
}

/** Whether a phrase is how people say these words: it has all of them, and of the authors of the rarest many use it. */
function saysMore(phrase: Term, rivals: Term[]): boolean {
  return (
    rivals.every(
      ({ stems }) => stems.length < phrase.stems.length && stems.every((stem) => phrase.stems.includes(stem)),
    ) && phrase.count.authors >= phraseShare * Math.min(...rivals.map(({ count }) => count.authors))
  );
}

/** The log-odds ratio of a term between a topic and all others, in standard errors. `a` of `n` authors have it in the topic, `all` of `total` anywhere. */
export function logOdds(a: number, n: number, all: number, total: number): number {
  const prior = (priorAuthors * all) / total;
  const odds = (have: number, of: number) => Math.log((have + prior) / (of + priorAuthors - have - prior));
  const others = all - a;
  return (odds(a, n) - odds(others, total - n)) / Math.sqrt(1 / (a + prior) + 1 / (others + prior));
}

/**
 * The name of a topic. `earlier` is the label that it had, and keeps as long as all of it still sets its posts apart; `taken` are those
 * of others, which it does not get.
 */
export function nameTopic(
  topic: TopicTerms,
  all: AllTerms,
  earlier: string | null,
  taken: ReadonlySet<string>,
): TopicName {
  const found = distinctiveTerms(topic, all);
  const telling = tellingTerms(found);
  const isKnown = (part: string) => found.some(({ key }) => key === termKeyOf(part));
  const keeps = earlier !== null && earlier !== "" && !taken.has(earlier) && earlier.split(separator).every(isKnown);
  const shown = telling.map(({ count }) => count.shown);
  let label = keeps ? earlier : shown.slice(0, labelTerms).join(separator);
  for (let more = labelTerms + 1; taken.has(label) && more <= shown.length; more++)
    label = shown.slice(0, more).join(separator);
  const inLabel = new Set(label.split(separator).map((part) => termKeyOf(part)));
  return {
    label,
    terms: shown,
    isPublic: found.every((term) => (!telling.includes(term) && !inLabel.has(term.key)) || term.count.isPublic),
  };
}
