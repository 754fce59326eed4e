/** For what tries the package as others have it: its archive, and places that know nothing of this checkout. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("..", import.meta.url));
export const project = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** What `npm run pack` made. */
export const archive = join(root, `${project.name}-${project.version}.tgz`);

/** The typed client as npm would publish it, in that folder. */
export async function packClient(folder: string): Promise<string> {
  const env = elsewhere(join(root, "node_modules/.bin"));
  await outputOf("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: join(root, "client"), env });
  return join(folder, `recsys-client-${project.version}.tgz`);
}

/** Does the work in a new folder that is gone when it is over. */
export async function inNewFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "recsys-package-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An environment without a checkout: `first` comes first in PATH, and nothing of the npm that runs this is left. */
export function elsewhere(...first: string[]): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(command|config_local_prefix|execpath|lifecycle_.*|node_execpath|package_.*)|INIT_CWD)$/.test(name),
  );
  const places = (process.env.PATH ?? "").split(delimiter).filter((place) => !place.endsWith("node_modules/.bin"));
  return { ...Object.fromEntries(own), PATH: [...first, ...places].join(delimiter) };
}

export interface RunOptions {
  cwd: string;
  env: NodeJS.ProcessEnv;
}

/** What a program prints, which takes a minute and on a busy machine several; where it fails, the error has all that it said. */
export async function outputOf(program: string, args: string[], { cwd, env }: RunOptions): Promise<string> {
  const options = { cwd, env, timeout: 420_000, maxBuffer: 1e8 };
  try {
    return (await promisify(execFile)(program, args, options)).stdout;
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number | null };
    throw new Error(`${program} ${args.join(" ")} ends with ${code ?? "a signal"}:\n${stdout}\n${stderr}`);
  }
}
