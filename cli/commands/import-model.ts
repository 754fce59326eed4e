import { join } from "node:path";
import { importTrained } from "../../trainer/distributed/import-model.ts";
import { startBackend } from "../../trainer/models/nn/backend.ts";
import { requireSoundSources } from "./check.ts";
import { requireEmptyFolder } from "./out-folder.ts";
import { modelsFolder } from "./train.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

/** `recsys import-model`: makes a model of weights that were trained on an export elsewhere. */
export async function importModelCommand(folder: string, options: DatabaseOption & { out?: string }): Promise<void> {
  const { out } = options;
  await requireEmptyFolder(out);
  await inDatabase(options, {}, async (context) => {
    await requireSoundSources(context.database, context.print);
    await startBackend();
    const model = await importTrained(context, { folder, folderOf: (name) => out ?? join(modelsFolder, name) });
    context.print(
      `model written to ${model}; \`npx --no-install recsys publish ${model}\` puts it into the database and lets it serve`,
    );
  });
}
