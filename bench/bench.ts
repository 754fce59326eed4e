/**
 * `npm run bench -- NAME [ARGUMENTS]`: the benchmark bench/NAME.ts, or a part of serving by its name, such as `feed`. Without a name it lists
 * them, each with the first words of its file.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { benchmarkNames as partsOfServing } from "./serving/names.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const benchmarks = readdirSync(folder)
  .filter((file) => /(?<!\.test)\.ts$/.test(file) && file !== "bench.ts")
  .map((file) => file.replace(/\.ts$/, ""));

const [name, ...rest] = process.argv.slice(2);
if (benchmarks.includes(name)) run(name, rest);
else if ((partsOfServing as readonly string[]).includes(name)) run("serving", [name, ...rest]);
else {
  const asked = name === undefined || name === "--help" || name === "help";
  const print = asked ? console.log : console.error;
  if (!asked) print(`There is no benchmark ${name}. There are:`);
  else print("npm run bench -- NAME [--help or its arguments], where NAME is one of:");
  for (const each of benchmarks) print(`  ${each.padEnd(16)}${about(each)}`);
  print(`  and of serving alone: ${partsOfServing.join(", ")}`);
  process.exitCode = asked ? 0 : 1;
}

/** `--help`: serving and the loop tell their options; of the others the comment at their head has what they take. */
function run(file: string, args: string[]): void {
  if (args.includes("--help") && file !== "serving" && file !== "loop") {
    console.log(head(file));
    return;
  }
  const running = spawn(process.execPath, [`${folder}${file}.ts`, ...args], { stdio: "inherit" });
  running.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal ? 1 : 0);
  });
}

/** What head says first, up to its first colon or full stop. */
function about(file: string): string {
  const words = head(file);
  return /^.*?(?=[.:;](\s|$))/.exec(words)?.[0] ?? words;
}

/** The comment at the head of a benchmark. */
function head(file: string): string {
  const text = readFileSync(`${folder}${file}.ts`, "utf8");
  const comment = /^\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? "";
  return comment.replaceAll(/\s*\n \*\s?/g, " ").trim();
}
