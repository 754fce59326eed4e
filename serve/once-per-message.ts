/** What lasts for an hour, or is back the next night, is said again; in milliseconds. */
const again = 600_000;

/** Prints each trouble of some work when it begins and every ten minutes while it lasts, not every few seconds. `now`: milliseconds of any clock. */
export function oncePerMessage(
  work: string,
  print: (line: string) => void,
  now = () => performance.now(),
): (error: unknown) => void {
  const printed = new Map<string, number>();
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    for (const [earlier, at] of printed) if (now() - at >= again) printed.delete(earlier);
    if (printed.has(message)) return;
    print(`${work} waits: ${message}`);
    printed.set(message, now());
  };
}
