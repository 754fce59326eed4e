import { serve } from "../_deno/serve.ts";
import { embedFunction } from "./handler.ts";

serve(embedFunction);
