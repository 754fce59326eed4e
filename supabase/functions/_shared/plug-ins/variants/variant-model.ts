/** The model of an experiment's variant, which may fail without taking the feed from anybody. */
import { readContext } from "../../recommend/read-context.ts";
import type { ModelChoice } from "../../recommend/seams.ts";

export const variantModel: ModelChoice = {
  readContext: (userId, failed) => readContext(userId, !failed),
  chosen({ variant, variant_model_id: id }) {
    return id === null ? null : { id, name: `model ${id} of the experiment in ${variant}` };
  },
  label: ({ variant }) => variant ?? "",
};
