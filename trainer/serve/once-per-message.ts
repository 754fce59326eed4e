/** What lasts for an hour, or is back the next night, is said again; in milliseconds. */
const again = 600_000;

/** Prints each trouble of some work when it begins and every ten minutes while it lasts, not every few seconds. `now`: milliseconds of any clock. */
export function oncePerMessage(
  work: string,
  print: (line: string) => void,
  now = () => performance.now(),
): (error: unknown) => void {
  let last: string | undefined;
  let printedAt = 0;
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    if (message === last && now() - printedAt < again) return;
    print(`${work} waits: ${message}`);
    last = message;
    printedAt = now();
  };
}
