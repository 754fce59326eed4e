/** All golden answers of the code as it is: of each variant, and of the replay. */
import type { Scope } from "../../db/testing.ts";
import { answersOf, explain } from "./ask.ts";
import { type GoldenCommunity, goldenCommunity } from "./community.ts";
import { type AnswerDifference, type Answers, differencesOf, type Expected, type GoldenAnswer } from "./compare.ts";
import type { AnswerCost } from "./cost.ts";
import { replayedRankings } from "./replay.ts";
import { variants } from "./variants.ts";

/** Differences of each variant whose posts are explained. */
const explained = 5;

export interface Golden {
  answers: Answers;
  costs: Record<string, AnswerCost>;
  differences: AnswerDifference[];
}

/** Asks for all answers, and holds them against those expected, if any, while the community is as it was asked. `replayed`: at so many events. */
export async function recordAnswers(
  scope: Scope,
  { readers, replayed }: { readers: number; replayed: number },
  expected?: Expected,
  print: (line: string) => void = () => undefined,
): Promise<Golden> {
  const community = await goldenCommunity(scope, readers);
  const golden: Golden = { answers: {}, costs: {}, differences: [] };
  const take = async (variant: string, answers: GoldenAnswer[]) => {
    golden.answers[variant] = answers;
    print(`${variant}: ${answers.length} answers`);
    if (!expected) return;
    const moved = differencesOf(variant, expected, answers);
    for (const each of moved.slice(0, explained)) each.reasons = await reasonsOf(community, each);
    golden.differences.push(...moved);
  };
  await take("replay", await replayedRankings(scope, community, replayed));
  for (const variant of variants) {
    const { answers, cost } = await answersOf(community, variant);
    golden.costs[variant.name] = cost;
    await take(variant.name, answers);
  }
  return golden;
}

const uuid = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/;

/** Why the posts of both lines are in that reader's feed, or are not. */
async function reasonsOf(
  community: GoldenCommunity,
  { variant, reader, part, expected, got }: AnswerDifference,
): Promise<string[]> {
  // a line of the replay is no reader of now, and what explains needs no explanation
  if (variant === "replay" || part === "explain") return [];
  const posts = [expected, got].flatMap((line) => uuid.exec(line)?.[0] ?? []);
  const lines: string[] = [];
  for (const post of new Set(posts)) {
    const all = await explain(community, community.readers[reader].id, post);
    lines.push(...all.filter((line) => / (verdict|why not): /.test(line)));
  }
  return lines;
}
