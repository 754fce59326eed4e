/** For tests: programs of this project, run to their end. */
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Ended {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a file in a Node of its own; `cwd`: where, by default here. */
export async function runProgram(file: string, args: string[], cwd?: string): Promise<Ended> {
  const child = spawn(process.execPath, [file, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].on("data", (text) => {
      output[stream] += text;
    });
  const [status] = await once(child, "close");
  return { status, ...output };
}
