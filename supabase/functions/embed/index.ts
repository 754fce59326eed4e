import { projectPool } from "../_deno/project-pool.ts";
import { serve } from "../_deno/serve.ts";
import { loadRuntime } from "../_shared/models/inference.ts";
import { modelCache } from "../_shared/models/models.ts";
import { embedFunction } from "./handler.ts";

serve(embedFunction, (log) => ({ pool: projectPool(log), models: modelCache(loadRuntime) }));
