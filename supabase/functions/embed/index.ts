import { openDatabase } from "../_deno/database.ts";
import { serve } from "../_deno/serve.ts";
import { loadRuntime } from "../_shared/models/inference.ts";
import { modelCache } from "../_shared/models/models.ts";
import { embedFunction } from "./handler.ts";

serve(embedFunction, (log) => ({ pool: openDatabase(log), models: modelCache(loadRuntime) }));
