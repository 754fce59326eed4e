/** What a process of tests keeps over its files, such as a browser. */

const ends: (() => Promise<void>)[] = [];

/** Has `end` called when the process is about to end. */
export function keepUntilEnd(end: () => Promise<void>): void {
  ends.push(end);
}

/** Ends what is kept, so that the processor time of a process that was started is counted. */
export async function endKept(): Promise<void> {
  await Promise.all(ends.splice(0).map((end) => end()));
}
