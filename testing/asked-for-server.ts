import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Has test files that ask for the PostgreSQL (`testServer`) noted from now on, and their tests on embedded databases left for later. The
 * function it returns ends that, and gives one that says which files have asked: without a PostgreSQL only these are another test.
 */
export function askedForServer(): () => (file: string) => boolean {
  const folder = mkdtempSync(join(tmpdir(), "recsys-tests-"));
  const notes = join(folder, "asked");
  process.env.EMBEDDED_LATER = notes;
  return () => {
    delete process.env.EMBEDDED_LATER;
    const asked = new Set(readFileSync(notes, { encoding: "utf8", flag: "a+" }).split("\n"));
    rmSync(folder, { recursive: true });
    return (file) => asked.has(file);
  };
}
