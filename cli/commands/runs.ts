/** `recsys runs`: what was trained, with which config, on which data, and how good it was. */
import { UserError } from "../../db/user-error.ts";
import type { Order } from "../../trainer/artifacts/model-folder/run-order.ts";
import { inOrder, readRuns, runsTable } from "../../trainer/artifacts/model-folder/runs.ts";
import { modelsFolder } from "./train.ts";

/** Prints the models of a folder, by default those of `train`; reads no database. */
export async function runsCommand(folder: string | undefined, { by }: { by: Order }): Promise<void> {
  const { runs, unreadable } = await readRuns(folder ?? modelsFolder);
  if (runs.length === 0 && unreadable.length === 0)
    throw new UserError(`${folder ?? modelsFolder} holds no models: \`npx --no-install recsys train\` makes one`);
  if (runs.length > 0) console.log(runsTable(inOrder(runs, by)));
  for (const line of unreadable) console.error(line);
}
