import { serve } from "../_deno/serve.ts";
import { consoleFunction } from "./handler.ts";

serve(consoleFunction);
