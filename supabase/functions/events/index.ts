import { openDatabase } from "../_deno/database.ts";
import { serve } from "../_deno/serve.ts";
import { eventsFunction } from "./handler.ts";

serve(eventsFunction, (log) => ({ pool: openDatabase(log) }));
