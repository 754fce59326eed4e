/** Which part of a long test runs. */

/** Whether this is `npm run test:full`. */
export const isFull = process.env.TEST_FULL !== undefined;

/** For the option `skip` of a test on the quality of a trained model. */
export const skipUnlessFull = isFull ? false : "how good a trained model is: npm run test:full";

/**
 * The courses of a random test that this run plays, by their numbers: all five with `npm run test:full`, else one of them, another each day.
 * COURSE names one, to play it again.
 */
export const courses: number[] = process.env.COURSE
  ? [Number(process.env.COURSE)]
  : [0, 1, 2, 3, 4].filter((course) => isFull || course === Math.floor(Date.now() / 86_400_000) % 5);

/** The cases of a list that this run plays: all with `npm run test:full`, else a fifth of them or one, others each day. */
export function pickCases<T>(cases: readonly T[]): T[] {
  const parts = Math.min(5, cases.length);
  return cases.filter((_, n) => courses.some((course) => course % parts === n % parts));
}
