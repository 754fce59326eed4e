import { projectPool } from "../_deno/project-pool.ts";
import { serve } from "../_deno/serve.ts";
import { platformEncoders } from "../_shared/embed/encoders.ts";
import { loadRuntime } from "../_shared/models/inference.ts";
import { modelCache } from "../_shared/models/models.ts";
import { embedFunction } from "./handler.ts";

serve(embedFunction, (log) => ({
  pool: projectPool(log),
  models: modelCache(loadRuntime),
  encoders: platformEncoders((error) => log("encoder_missing", error)),
}));
