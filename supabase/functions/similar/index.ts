import { openDatabase } from "../_deno/database.ts";
import { serve } from "../_deno/serve.ts";
import { similarFunction } from "./handler.ts";

serve(similarFunction, (log) => ({ pool: openDatabase(log) }));
