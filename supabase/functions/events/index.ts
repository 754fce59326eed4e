import { projectPool } from "../_deno/project-pool.ts";
import { serve } from "../_deno/serve.ts";
import { eventsFunction } from "./handler.ts";

serve(eventsFunction, (log) => ({ pool: projectPool(log) }));
