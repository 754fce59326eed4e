import { execFileSync } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** Checks a revision out into a folder, with this checkout's node_modules, and removes it when the work is over. */
export async function withWorktree<Made>(
  root: string,
  folder: string,
  revision: string,
  work: (git: (...args: string[]) => void) => Promise<Made> | Made,
): Promise<Made> {
  const gitIn =
    (cwd: string) =>
    (...args: string[]) =>
      void execFileSync("git", args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
  const git = gitIn(root);
  // of a run that was killed
  rmSync(folder, { recursive: true, force: true });
  git("worktree", "prune");
  git("worktree", "add", "--quiet", "--detach", folder, revision);
  try {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    return await work(gitIn(folder));
  } finally {
    git("worktree", "remove", "--force", folder);
  }
}
