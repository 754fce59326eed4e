/** Folders that a command writes to: what is wrong with them is said before the work, not after it. */
import { mkdir, readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { UserError } from "../../db/user-error.ts";

/** Makes a folder for results where there is none; throws a `UserError` where that cannot be. */
export async function requireFolder(path: string | undefined, option = "--out"): Promise<void> {
  if (path === undefined) return;
  await mkdir(path, { recursive: true }).catch((error) => {
    throw noFolder(path, error, option);
  });
}

/** For output that fills a whole folder, such as a model: throws a `UserError` where the folder cannot be, or holds anything. */
export async function requireEmptyFolder(path: string | undefined, option = "--out"): Promise<void> {
  if (path === undefined) return;
  await requireFolder(dirname(path), option);
  const found = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw noFolder(path, error, option);
  });
  if (found.length > 0)
    throw new UserError(`${option} ${path} holds ${found[0]} already: name another folder, or remove it`);
}

function noFolder(path: string, { code }: NodeJS.ErrnoException, option: string): UserError {
  return new UserError(`${option} ${path} cannot be a folder (${code}): name another one`);
}
