import { projectPool } from "../_deno/project-pool.ts";
import { serve } from "../_deno/serve.ts";
import { similarFunction } from "./handler.ts";

serve(similarFunction, (log) => ({ pool: projectPool(log) }));
