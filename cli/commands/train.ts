import { join } from "node:path";
import type { Backend } from "../../trainer/models/nn/backend.ts";
import { trainIntoFolder } from "../../trainer/train-into-folder.ts";
import { readConfig } from "../../trainer/training/config/config-file.ts";
import { requireSoundSources } from "./check.ts";
import { requireEmptyFolder } from "./out-folder.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

export interface TrainOptions {
  seed: number;
  backend?: Backend;
  out?: string;
  config?: string;
  until?: Date;
}

/** Where models are written unless `--out` says otherwise. */
export const modelsFolder = join(".recsys", "models");

/** `recsys train`: learns from the database and writes a model folder. */
export async function trainCommand(options: DatabaseOption & TrainOptions): Promise<void> {
  const config = await readConfig(options.config);
  await requireEmptyFolder(options.out);
  await inDatabase(options, {}, async (context) => {
    await requireSoundSources(context.database, context.print);
    const folder = await trainIntoFolder(context, { ...options, config, parent: modelsFolder });
    context.print(
      `model written to ${folder}; \`npx --no-install recsys publish ${folder}\` puts it into the database and lets it serve`,
    );
  });
}
