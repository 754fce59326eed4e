import { UserError } from "./user-error.ts";

const problems: Record<string, string> = {
  ENOSPC: "the disk is full: make room, or name another folder, and start again",
  EDQUOT: "the quota of the disk is used up: make room, or name another folder, and start again",
  EACCES: "this user may not use it: give them the right, or name another folder",
  EROFS: "it can only be read: name another folder",
  EIO: "the disk fails",
  ENOENT: "it is not there",
  ENOTDIR: "what should be a folder is a file: name another folder",
  EISDIR: "what should be a file is a folder: name another folder",
};

/** A disk's error as a line with its cure; any other error as it is. */
export function explainDisk(error: unknown, path: string): unknown {
  const { code = "" } = (error ?? {}) as NodeJS.ErrnoException;
  return code in problems ? new UserError(`${path}: ${problems[code]} (${code})`) : error;
}
