/** What a language model may say: a few plain titles and points. Everything else is left out, whatever it is. */
import * as z from "zod";
import { hasAddress, ideasPerTopic } from "./chat-request.ts";

const completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().max(20_000) }) })).min(1),
});
/** Each is checked alone: one that is broken takes no other along. */
const reply = z.object({ ideas: z.array(z.unknown()).max(50) });
const idea = z.object({ title: plainText(120), points: z.array(z.unknown()).max(20).default([]) });
const point = plainText(140);
const pointsAtMost = 3;

export interface WrittenIdea {
  title: string;
  points: string[];
}

/**
 * The ideas in the body of an answer, at most five. `isKnownName`: whether the community's titles know a word; in the middle of a title or
 * point a word with a capital letter that they do not know may be somebody's name. Throws where there is no such answer.
 */
export function ideasIn(body: string, isKnownName: (word: string) => boolean): WrittenIdea[] {
  const [{ message }] = completion.parse(JSON.parse(body)).choices;
  // some put their JSON between marks of code
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
    // a word begins a sentence where no word with only a space or comma stands before it
    return [...text.matchAll(/(?<=[\p{L}\p{N},] )\p{Lu}[\p{L}\p{M}'’-]*/gu)].some(
      ([name]) => !isKnownName(name.replace(/['’]s$/, "")),
    );
  }
}

/** One line of words and the signs of sentences; no mark-up, address, mention or control character. */
function plainText(longest: number) {
  return z
    .string()
    .trim()
    .min(3)
    .max(longest)
    .regex(/^[\p{L}\p{M}\p{N}\p{P}\p{Sc} ]+$/u)
    .refine((text) => !/[<>{}[\]\\#*_|`]|\/\/|&\S+;/iu.test(text) && !hasAddress(text));
}
