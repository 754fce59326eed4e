/** `recsys publish`, `activate`, `rollback`: which model serves. */
import { sql } from "kysely";
import type { Database } from "../../db/connect.ts";
import { readCommunityId } from "../../db/settings.ts";
import { UserError } from "../../db/user-error.ts";
import { call, run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { newestModelFolder, readModelFolder } from "../../trainer/artifacts/model-folder/model-folder.ts";
import { type Verdict, verdictLines } from "../../trainer/release/gate/verdict.ts";
import { publish } from "../../trainer/release/publish/publish.ts";
import { requireSoundSources } from "./check.ts";
import { topicsOfNewModel } from "./topics.ts";
import { modelsFolder } from "./train.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

/** Publishes a model folder (by default the newest of this database's community) and lets it serve unless told otherwise. */
export async function publishCommand(
  folder: string | undefined,
  options: DatabaseOption & { activate: boolean; fromAnotherCommunity?: boolean },
): Promise<void> {
  const { activate, fromAnotherCommunity } = options;
  if (folder === undefined && fromAnotherCommunity)
    throw new UserError(
      "--from-another-community needs the folder of a model: without one, this community's newest is taken",
    );
  // what is wrong with a folder is reported before a database is opened
  const named = folder === undefined ? undefined : await readModelFolder(folder);
  await inDatabase(options, {}, async (context) => {
    const { database, onProgress, signal, print } = context;
    await requireSoundSources(database, print);
    const model = named ?? (await readModelFolder(await newestModel(database)));
    const onVerdict = (verdict: Verdict) => verdictLines(verdict).forEach(print);
    const id = await publish(database, model, { activate, fromAnotherCommunity, onVerdict, onProgress, signal });
    print(
      `model ${model.name} is published as number ${id} and ${activate ? "serves" : `waits: \`npx --no-install recsys activate ${model.name}\` lets it serve`}`,
    );
    await topicsOfNewModel(context);
  });
}

/** Lets a published model serve; `model` is its name or number. */
export async function activateCommand(model: string, options: DatabaseOption): Promise<void> {
  await inDatabase(options, {}, async (context) => {
    const { database, print } = context;
    const { model_id, name, status, reasons } = await findModel(database, model);
    if (status === "candidate") throw new UserError(`model ${name} is not complete: publish it again`);
    if (status === "rejected")
      throw new UserError(
        `the gate rejected model ${name} (${reasons}): change recsys.settings.gate_margin where that is too strict, and publish it again`,
      );
    await run(database.pool, call("recsys.activate_model", { p_model_id: model_id }));
    print(`model ${name} serves`);
    await topicsOfNewModel(context);
  });
}

/** Brings back the model that served before. `model`, by name or number, is the one to go: default, the one that serves. */
export async function rollbackCommand(model: string | undefined, options: DatabaseOption): Promise<void> {
  await inDatabase(options, {}, async (context) => {
    const { database, print } = context;
    const { pool } = database;
    const [active] = await run(pool, published.where("status", "=", "active"));
    const unwanted = model === undefined ? active : await findModel(database, model);
    if (!unwanted)
      throw new UserError(
        "no model serves, so there is none to roll back: `npx --no-install recsys activate MODEL` lets one serve",
      );
    if (!active || unwanted.model_id !== active.model_id)
      throw new UserError(`model ${unwanted.name} does not serve: ${active ? `${active.name} does` : "none does"}`);
    const [earlier] = await run(pool, published.where("status", "=", "retired").limit(1));
    if (!earlier) throw new UserError("there is no earlier model to roll back to: publish a second one first");
    const [{ rollback_model }] = await run(pool, call("recsys.rollback_model", { p_model_id: active.model_id }));
    const [serving] = await run(pool, published.where("model_id", "=", rollback_model));
    print(`model ${serving.name} serves again, instead of ${active.name}`);
    await topicsOfNewModel(context);
  });
}

const published = db.selectFrom("recsys.models").select((model) => [
  "model_id",
  "name",
  "status",
  // why the gate rejected it
  sql<string | null>`${model.ref("gate")} ->> 'reasons'`.as("reasons"),
]);

async function newestModel(database: Database): Promise<string> {
  const newest = await newestModelFolder(modelsFolder, await readCommunityId(database));
  if (newest === undefined)
    throw new UserError(
      `${modelsFolder} holds no model of this database's community: run \`npx --no-install recsys train\` first, or name a folder`,
    );
  return newest;
}

async function findModel({ pool }: Database, wanted: string) {
  const named = published.where((model) =>
    model("name", "=", wanted).or(sql`${model.ref("model_id")}::text`, "=", wanted),
  );
  const [found] = await run(pool, named);
  if (found) return found;
  const all = await run(pool, published.orderBy("model_id", "desc").limit(5));
  throw new UserError(`there is no model ${wanted}: published are ${all.map(({ name }) => name).join(", ") || "none"}`);
}
