import { projectPool } from "../_deno/project-pool.ts";
import { serve } from "../_deno/serve.ts";
import { endpointOf } from "../_shared/ideas/model-writer/endpoint.ts";
import { loadRuntime } from "../_shared/models/inference.ts";
import { modelCache } from "../_shared/models/models.ts";
import { openIdeas } from "./handler.ts";

const ideas = openIdeas({ endpoint: endpointOf((name) => Deno.env.get(name)) });
serve(ideas, (log) => ({ pool: projectPool(log), models: modelCache(loadRuntime), log }));
