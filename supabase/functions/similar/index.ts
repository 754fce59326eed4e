import { serve } from "../_deno/serve.ts";
import { similarFunction } from "./handler.ts";

serve(similarFunction);
