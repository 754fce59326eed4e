// npm run docs: writes docs/cli.md from the commands' own help; with --verify it only compares.
import { readFile, writeFile } from "node:fs/promises";
import type { Argument, Command, Option } from "commander";
import { program } from "./program.ts";

/** Where more is said of a command. */
const more: Record<string, string> = {
  start: "index.md",
  import: "bundle.md",
  check: "adopting.md#ask-what-is-wrong",
  init: "adopting.md#add-the-recommender",
  uninstall: "uninstalling.md",
  draft: "drafting.md",
  try: "is-it-worth-it.md",
  plan: "scaling.md",
  train: "training.md",
  config: "training.md#a-config",
  runs: "training.md#what-was-trained",
  search: "training.md#a-search",
  evaluate: "research/evaluation.md",
  publish: "design/model-life-cycle.md",
  serve: "pages.md",
  worker: "retraining.md",
  health: "operations.md#health-check",
  batch: "design/batch.md",
  topics: "design/topics.md",
  experiment: "experiments-in-production.md",
};

/** docs/cli.md: each command with its arguments and options, as `--help` has them. */
function commandsPage(): string {
  const commands = program.commands.flatMap((command) => (command.commands.length > 0 ? command.commands : [command]));
  const list = commands.map((command) => {
    const name = nameOf(command);
    return `| [\`${name}\`](#${name.replace(" ", "-")}) | ${cell(command.description())} |`;
  });
  return `<!-- Written by \`npm run docs\` from the commands' own help: do not edit. -->

# Commands

Find a command and its options here. \`npx --no-install recsys COMMAND --help\` prints the same.

\`\`\`sh
npx --no-install recsys start --exit
\`\`\`

| command | what it does |
|---|---|
${list.join("\n")}

${commands.map(section).join("\n\n")}
`;
}

function section(command: Command): string {
  const link = more[command.name()] ?? more[command.parent?.name() ?? ""];
  const rows = [...command.registeredArguments.map(argumentRow), ...command.options.map(optionRow)];
  const table = rows.length > 0 ? `\n\n| argument or option | what it says |\n|---|---|\n${rows.join("\n")}` : "";
  return `## ${nameOf(command)}

${sentence(command.description())}${link ? ` [More](${link}).` : ""}

\`\`\`sh
npx --no-install recsys ${nameOf(command)} ${command.usage()}
\`\`\`${table}`;
}

const nameOf = (command: Command): string =>
  command.parent === program ? command.name() : `${command.parent?.name()} ${command.name()}`;

function argumentRow(argument: Argument): string {
  const name = argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
  return `| \`${name}\` | ${cell(argument.description)} |`;
}

/** An option with what it may be and what it is where it is left out, unless its text says so. */
function optionRow({
  flags,
  description,
  mandatory,
  argChoices,
  defaultValue,
  defaultValueDescription,
  negate,
}: Option): string {
  const choices = argChoices ? `; one of ${argChoices.map((choice) => `\`${choice}\``).join(", ")}` : "";
  const isSaid = negate || defaultValue === undefined || description.includes("(default");
  const usual = isSaid ? "" : `; default: \`${defaultValueDescription ?? defaultValue}\``;
  return `| \`${flags}\` | ${cell(description + choices + usual + (mandatory ? "; required" : ""))} |`;
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll(/<(\w+)>/g, "`<$1>`");
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

const file = new URL("../docs/cli.md", import.meta.url);
if (!process.argv.includes("--verify")) {
  await writeFile(file, commandsPage());
} else if ((await readFile(file, "utf8")) !== commandsPage()) {
  console.error("docs/cli.md is not what the commands' help says: npm run docs");
  process.exitCode = 1;
}
