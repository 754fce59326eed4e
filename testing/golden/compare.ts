/** Golden answers held against each other: which moved, and where each of them first differs. */
import { createHash } from "node:crypto";
import type { AnswerCost } from "./cost.ts";

/** What an answer is made of. */
export const parts = ["candidates", "ranking", "pages", "explain"] as const;
export type Part = (typeof parts)[number];

/** The lines of each part. */
export type GoldenAnswer = Partial<Record<Part, string[]>>;

/** Answers by variant, in the order of the readers. */
export type Answers = Record<string, GoldenAnswer[]>;
/** Of each variant and part the digests in the order of the readers, with a space in between. */
export type Digests = Record<string, Partial<Record<Part, string>>>;

export interface AnswerDifference {
  variant: string;
  /** The number of the reader. */
  reader: number;
  part: Part;
  /** The first line that is another, from 1; null: what was recorded is known by its digest alone. */
  line: number | null;
  expected: string;
  got: string;
  /** What recsys.explain says of the posts of both lines. */
  reasons?: string[];
}

const none = "(nothing)";

export function digestsOf(answers: Answers): Digests {
  return Object.fromEntries(Object.entries(answers).map(([variant, each]) => [variant, ofVariant(each)]));
}

function ofVariant(answers: GoldenAnswer[]): Digests[string] {
  return Object.fromEntries(
    parts
      .filter((part) => answers.some((answer) => answer[part]?.length))
      .map((part) => [part, answers.map((answer) => shortDigest((answer[part] ?? []).join("\n"))).join(" ")]),
  );
}

/** Eight hex digits of a text. */
export function shortDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** What was recorded before: whole answers, or no more than their digests. */
export type Expected = { answers: Answers } | { digests: Digests };

/** Of each part of each answer of a variant that moved the first difference. */
export function differencesOf(variant: string, expected: Expected, answers: GoldenAnswer[]): AnswerDifference[] {
  const found: AnswerDifference[] = [];
  const whole = "answers" in expected ? (expected.answers[variant] ?? []) : null;
  const before = whole ? ofVariant(whole) : "digests" in expected ? expected.digests[variant] : undefined;
  const after = ofVariant(answers);
  for (const part of parts) {
    const [then, now] = [before, after].map((digests) => digests?.[part]?.split(" ") ?? []);
    for (let reader = 0; reader < Math.max(then.length, now.length); reader++) {
      if (then[reader] === now[reader]) continue;
      const lines = answers[reader]?.[part] ?? [];
      const first = whole
        ? firstDifference(whole[reader]?.[part] ?? [], lines)
        : { line: null, expected: `digest ${then[reader] ?? none}`, got: lines[0] ?? none };
      // lists that are empty have a digest where others of their part are not
      if (first) found.push({ variant, reader, part, ...first });
    }
  }
  return found;
}

function firstDifference(
  before: string[],
  after: string[],
): Pick<AnswerDifference, "line" | "expected" | "got"> | null {
  for (let i = 0; i < Math.max(before.length, after.length); i++)
    if (before[i] !== after[i]) return { line: i + 1, expected: before[i] ?? none, got: after[i] ?? none };
  return null;
}

/** Says how many answers moved, by variant and part, and the first difference of each part of `most` answers. `asked`: how many answers each variant has. */
export function reportOf(differences: AnswerDifference[], asked: Record<string, number>, most: number): string[] {
  const count = (some: AnswerDifference[]) => new Set(some.map(({ variant, reader }) => `${variant} ${reader}`)).size;
  const all = Object.values(asked).reduce((sum, each) => sum + each, 0);
  const lines = [`${count(differences).toLocaleString("en")} of ${all.toLocaleString("en")} answers moved`];
  for (const variant of new Set([...Object.keys(asked), ...differences.map(({ variant }) => variant)])) {
    const moved = differences.filter((each) => each.variant === variant);
    if (moved.length === 0) continue;
    const ofParts = parts.map((part) => `${part} ${count(moved.filter((each) => each.part === part))}`);
    lines.push(`${variant}: ${count(moved)} of ${asked[variant] ?? 0} moved (${ofParts.join(", ")})`);
    for (const part of parts)
      for (const { reader, line, expected, got, reasons = [] } of moved
        .filter((each) => each.part === part)
        .slice(0, most))
        lines.push(
          `  answer ${reader}, ${part}${line === null ? "" : `, line ${line}`}`,
          `    expected ${expected}`,
          `    got      ${got}`,
          ...reasons.map((reason) => `    ${reason}`),
        );
  }
  return lines;
}

/** By how much the database and the processors work more or less than recorded, a variant a line. `isSameMachine`: whether times can be compared. */
export function costReport(
  recorded: Record<string, AnswerCost>,
  costs: Record<string, AnswerCost>,
  isSameMachine: boolean,
): string[] {
  return Object.entries(costs).map(([variant, { buffers, processor }]) => {
    const before = recorded[variant];
    const times = (now: number, then: number | undefined) =>
      then ? `, ${(now / then).toFixed(3)} times as recorded` : "";
    const ofPages = `${buffers.toLocaleString("en")} pages an answer${times(buffers, before?.buffers)}`;
    const ofTime = `${processor.toFixed(1)} ms of a processor${times(processor, isSameMachine ? before?.processor : undefined)}`;
    return `${variant}: ${ofPages}; ${ofTime}`;
  });
}
