/** `recsys search`: trains with many configs and says which is best on held-out requests. */
import { join } from "node:path";
import { runsTable, wereAskedTheSame } from "../../trainer/artifacts/model-folder/runs.ts";
import type { Backend } from "../../trainer/models/nn/backend.ts";
import { readConfig, readYaml } from "../../trainer/training/config/config-file.ts";
import { search } from "../../trainer/training/search/search.ts";
import { parseSpace } from "../../trainer/training/search/space.ts";
import { requireSoundSources } from "./check.ts";
import { requireFolder } from "./out-folder.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

export interface SearchCommandOptions extends DatabaseOption {
  config?: string;
  draws?: number;
  seed: number;
  backend?: Backend;
  until?: Date;
  out: string;
}

/** Searches a file's space. What is wrong with a file is reported before a database is opened. */
export async function searchCommand(file: string, options: SearchCommandOptions): Promise<void> {
  const config = await readConfig(options.config);
  const space = parseSpace(file, await readYaml(file), config);
  await requireFolder(options.out);
  await inDatabase(options, {}, async (context) => {
    await requireSoundSources(context.database, context.print);
    const runs = await search(context, { ...options, config, space });
    context.print(`\n${runsTable(runs)}\n`);
    if (!wereAskedTheSame(runs))
      context.print(
        "not all were asked the same requests, so these figures say little of which is better: set the models side by side (`npx --no-install recsys evaluate --model`)",
      );
    context.print(
      `the best of ${runs.length} looks better than it is, since chance chose too: evaluate it on later events\nits config is in ${join(options.out, "best.yaml")}, for \`npx --no-install recsys train --config\``,
    );
  });
}
