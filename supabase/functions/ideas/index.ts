import { serve } from "../_deno/serve.ts";
import { endpointOf } from "../_shared/ideas/model-writer/endpoint.ts";
import { openIdeas } from "./handler.ts";

serve(openIdeas({ endpoint: endpointOf((name) => Deno.env.get(name)) }));
