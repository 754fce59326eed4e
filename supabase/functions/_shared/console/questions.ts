/** All that a console may ask. */
import type { Question } from "./question.ts";
import { experimentQuestions } from "./questions/experiments.ts";
import { healthQuestions } from "./questions/health.ts";
import { modelQuestions } from "./questions/models.ts";
import { peopleQuestions } from "./questions/people.ts";
import { postQuestions } from "./questions/posts.ts";
import { shownQuestions } from "./questions/shown.ts";

export const questions = {
  ...modelQuestions,
  ...healthQuestions,
  ...shownQuestions,
  ...postQuestions,
  ...experimentQuestions,
  ...peopleQuestions,
} satisfies Record<string, Question>;

export type QuestionName = keyof typeof questions;
