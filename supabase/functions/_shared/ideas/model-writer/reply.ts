/** Parses a language model's reply: only a few plain titles and points pass; everything else is dropped. */
import * as z from "zod";
import { hasAddress, ideasPerTopic } from "./chat-request.ts";

const completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().max(20_000) }) })).min(1),
});
/** Each idea is validated alone, so an invalid one does not affect the others. */
const reply = z.object({ ideas: z.array(z.unknown()).max(50) });
const idea = z.object({ title: plainText(120), points: z.array(z.unknown()).max(20).default([]) });
const point = plainText(140);
const pointsAtMost = 3;

export interface WrittenIdea {
  title: string;
  points: string[];
}

/**
 * Extracts at most five ideas from the body of an answer; throws if it is malformed. Texts with a capitalised word
 * inside a sentence that `isKnownName` does not know are dropped: it may be a person's name.
 */
export function ideasIn(body: string, isKnownName: (word: string) => boolean): WrittenIdea[] {
  const [{ message }] = completion.parse(JSON.parse(body)).choices;
  // some models put their JSON in a code block
  const json = message.content.replace(/^\s*```(?:json)?\s*|\s*```\s*$/g, "");
  const ideas: WrittenIdea[] = [];
  for (const each of reply.parse(JSON.parse(json)).ideas) {
    const found = idea.safeParse(each);
    if (!found.success || namesSomebody(found.data.title)) continue;
    const points = found.data.points
      .flatMap((text) => point.safeParse(text).data ?? [])
      .filter((text) => !namesSomebody(text))
      .slice(0, pointsAtMost);
    ideas.push({ title: found.data.title, points });
    if (ideas.length === ideasPerTopic) break;
  }
  return ideas;

  function namesSomebody(text: string): boolean {
    // inside a sentence: the word follows a letter, digit or comma and a space
    return [...text.matchAll(/(?<=[\p{L}\p{N},] )\p{Lu}[\p{L}\p{M}'’-]*/gu)].some(
      ([name]) => !isKnownName(name.replace(/['’]s$/, "")),
    );
  }
}

/** One line of words and punctuation, without mark-up, addresses, mentions and control characters. */
function plainText(longest: number) {
  return z
    .string()
    .trim()
    .min(3)
    .max(longest)
    .regex(/^[\p{L}\p{M}\p{N}\p{P}\p{Sc} ]+$/u)
    .refine((text) => !/[<>{}[\]\\#*_|`]|\/\/|&\S+;/iu.test(text) && !hasAddress(text));
}
