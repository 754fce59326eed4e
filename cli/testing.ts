/** For tests: commands, run here. A Node of their own takes 0.5 s of a processor, and 1.5 s where the command trains or publishes. */
import { type Command, CommanderError, type OutputConfiguration } from "commander";
import type { Ended } from "../db/testing-program.ts";
import { program } from "./program.ts";

/** Runs `recsys` with these arguments and ends as cli.ts does; `cwd`: where, by default here. One at a time. */
export async function recsys(args: string[], cwd = process.cwd()): Promise<Ended> {
  const output = { stdout: "", stderr: "" };
  const print = (stream: keyof typeof output, text: string) => {
    output[stream] += text;
    return true;
  };
  throwInsteadOfExit(program, {
    writeOut: (text) => void print("stdout", text),
    writeErr: (text) => void print("stderr", text),
  });
  const { exitCode } = process;
  const [{ log }, { write }, here] = [console, process.stderr, process.cwd()];
  process.exitCode = 0;
  // not process.stdout, over which the tests say how they are
  console.log = (line: string) => print("stdout", `${line}\n`);
  process.stderr.write = (text: string | Uint8Array) => print("stderr", String(text));
  process.chdir(cwd);
  try {
    await program.parseAsync(args, { from: "user" });
    return { status: Number(process.exitCode), ...output };
  } catch (error) {
    if (error instanceof CommanderError) return { status: error.exitCode, ...output };
    return { ...output, status: 1, stderr: `${output.stderr}recsys: ${(error as Error).message}\n` };
  } finally {
    Object.assign(console, { log });
    process.stderr.write = write;
    process.exitCode = exitCode;
    process.chdir(here);
  }
}

function throwInsteadOfExit(command: Command, output: OutputConfiguration): void {
  command.exitOverride().configureOutput(output);
  for (const each of command.commands) throwInsteadOfExit(each, output);
}
