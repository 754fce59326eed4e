import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Which process has an embedded database open. */
export interface Owner {
  pid: number;
  /** null while it opens or closes the database. */
  port: number | null;
}

const fileOf = (folder: string) => join(folder, "owner.json");

/** Reads which process has the folder open; undefined: none. */
export async function readOwner(folder: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(folder), "utf8")) as Owner;
  } catch {
    return undefined;
  }
}

/** Takes the folder for this process; false when another one was faster. */
export async function takeFolder(folder: string): Promise<boolean> {
  try {
    await writeFile(fileOf(folder), JSON.stringify({ pid: process.pid, port: null }), { flag: "wx" });
    return true;
  } catch {
    return false;
  }
}

/** Says at which port this process serves the folder; null: at none (any more). Replaced whole, so readers never see half. */
export async function publishPort(folder: string, port: number | null): Promise<void> {
  await writeFile(`${fileOf(folder)}.new`, JSON.stringify({ pid: process.pid, port }));
  await rename(`${fileOf(folder)}.new`, fileOf(folder));
}

/** Removes the entry of a process, which may have died without doing so itself. */
export async function removeOwner(folder: string, pid: number): Promise<void> {
  const owner = await readOwner(folder);
  if (owner?.pid === pid) await rm(fileOf(folder), { force: true });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // it runs, but belongs to another user
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
