import { serve } from "../_deno/serve.ts";
import { openapiFunction } from "./handler.ts";

serve(openapiFunction, (log) => ({ log }));
