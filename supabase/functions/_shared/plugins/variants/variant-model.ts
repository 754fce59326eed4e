/** The model and settings of an experiment's variant; the model may fail without any loss of a feed. */
import { sql } from "kysely";
import { fn } from "../../database/query.ts";
import type { ContextRow } from "../../recommend/context/read-context.ts";
import type { ModelSelector } from "../../recommend/pipeline/types.ts";

export const variantModel: ModelSelector = {
  readContext(userId, failed, read) {
    // a visitor is in no experiment
    if (userId === null) return read(null, null);
    const assigned = failed
      ? sql`jsonb_build_object('variant', variant, 'settings', settings)`
      : sql`to_jsonb(assigned)`;
    const assignment = fn("recsys_engine.assignment", { p_user_id: userId });
    return read(userId, sql`(select ${assigned} from ${assignment} as assigned)`);
  },
  chosen(context) {
    const { variant, model_id } = assigned(context);
    return model_id ? { id: model_id, name: `model ${model_id} of the experiment in ${variant}` } : null;
  },
  label: (context) => assigned(context).variant ?? "",
};

/** A row of recsys_engine.assignment, but for its settings; empty: the user is in no experiment. */
function assigned(context: Pick<ContextRow, "assigned">): { variant?: string; model_id?: number | null } {
  return context.assigned ?? {};
}
