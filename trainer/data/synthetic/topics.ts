/** What the people of the synthetic community care about, and the sentences that it is talked about in: words.yaml. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";

interface SyntheticTopic {
  /** Also the first tag of its posts. */
  name: string;
  /** Numbers of topics whose people often care about this one too. */
  related: number[];
  facets: Facet[];
}

/** One side of a topic: the grain at which tastes and posts differ. */
type Facet = { tag: string } & Record<"passions" | "projects" | "terms", string[]>;

type Phrases = Record<
  "jobs" | "places" | "storyTitles" | "questionTitles" | "sentences" | "bios" | "silentBios",
  string[]
>;

const words = readFileSync(new URL("words.yaml", import.meta.url), "utf8");
export const { topics, ...phrases }: { topics: SyntheticTopic[] } & Phrases = parse(words);

/** All facets in one row; `topicOf[facet]` is the topic a facet belongs to. */
export const facets: Facet[] = topics.flatMap((topic) => topic.facets);
export const topicOf: number[] = topics.flatMap((topic, number) => topic.facets.map(() => number));
