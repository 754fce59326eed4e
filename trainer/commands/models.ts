/** `recsys publish`, `activate`, `rollback`: which model serves. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../../db/connect.ts";
import { UserError } from "../../db/user-error.ts";
import { readModelFolder } from "../model-folder/model-folder.ts";
import { publish } from "../publish/publish.ts";
import { type DatabaseOption, session } from "./session.ts";
import { modelsFolder } from "./train.ts";

/** Publishes a model folder (the newest one by default) and lets it serve unless told otherwise. */
export async function publishCommand(
  folder: string | undefined,
  options: DatabaseOption & { activate: boolean },
): Promise<void> {
  const model = await readModelFolder(folder ?? (await newestModel()));
  await session(options, {}, async ({ database, onProgress, signal, print }) => {
    const id = await publish(database, model, { activate: options.activate, onProgress, signal });
    print(
      `model ${model.name} is published as number ${id} and ${options.activate ? "serves" : "waits: `npx recsys activate` lets it serve"}`,
    );
  });
}

/** Lets a published model serve; `model` is its name or number. */
export async function activateCommand(model: string, options: DatabaseOption): Promise<void> {
  await session(options, {}, async ({ database, print }) => {
    const { model_id, name, status } = await findModel(database, model);
    if (status === "building") throw new UserError(`model ${name} is not complete: publish it again`);
    await database.pool.query("select recsys.activate_model($1)", [model_id]);
    print(`model ${name} serves`);
  });
}

/** Puts the model that served before back. */
export async function rollbackCommand(options: DatabaseOption): Promise<void> {
  await session(options, {}, async ({ database, print }) => {
    const earlier = await database.pool.query("select from recsys.models where status = 'retired'");
    if (!earlier.rowCount) throw new UserError("there is no earlier model to roll back to: publish a second one first");
    const { rows } = await database.pool.query(
      "select name from recsys.models where model_id = recsys.rollback_model()",
    );
    print(`model ${rows[0].name} serves again`);
  });
}

/** The newest folder that `train` wrote. */
export async function newestModel(): Promise<string> {
  const folders = await readdir(modelsFolder).catch(() => []);
  const newest = folders
    .filter((name) => !name.endsWith(".partial"))
    .sort()
    .at(-1);
  if (newest === undefined)
    throw new UserError(`there is no model in ${modelsFolder}: run \`npx recsys train\` first, or name a folder`);
  return join(modelsFolder, newest);
}

async function findModel(database: Database, wanted: string) {
  const { rows } = await database.pool.query(
    "select model_id, name, status from recsys.models where name = $1 or model_id::text = $1",
    [wanted],
  );
  if (rows.length === 0) {
    const { rows: all } = await database.pool.query("select name from recsys.models order by model_id desc limit 5");
    throw new UserError(
      `there is no model ${wanted}: published are ${all.map(({ name }) => name).join(", ") || "none"}`,
    );
  }
  return rows[0] as { model_id: number; name: string; status: string };
}
