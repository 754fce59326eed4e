import { serve } from "../_deno/serve.ts";
import { recommendFunction } from "./handler.ts";

serve(recommendFunction);
