import { serve } from "../_deno/serve.ts";
import { eventsFunction } from "./handler.ts";

serve(eventsFunction);
