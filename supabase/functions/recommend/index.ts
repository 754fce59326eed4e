import { projectPool, projectReplica } from "../_deno/project-pool.ts";
import { serve } from "../_deno/serve.ts";
import { loadRuntime } from "../_shared/models/inference.ts";
import { modelCache } from "../_shared/models/models.ts";
import { openFeedServices } from "../_shared/plugins/feed-services.ts";
import { recommendFunction } from "./handler.ts";

serve(recommendFunction, (log) =>
  openFeedServices(projectPool(log), modelCache(loadRuntime), log, projectReplica(log)),
);
