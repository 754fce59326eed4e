/** Resources that a process of tests keeps over its files, such as a browser. */

const ends: (() => Promise<void>)[] = [];

/** Has `end` called when the process is about to end. */
export function keepUntilEnd(end: () => Promise<void>): void {
  ends.push(end);
}

/** Ends all kept resources. The processor time of a child process counts only once it has ended. */
export async function endKept(): Promise<void> {
  await Promise.all(ends.splice(0).map((end) => end()));
}
