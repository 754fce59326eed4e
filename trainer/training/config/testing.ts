import { type Config, configSchema } from "./config.ts";

/** For tests of what becomes of a training, and not of how good its model is: one epoch over short lists. */
export const quickConfig: Config = configSchema.parse({
  towers: { epochsOf: { before: 1 } },
  ranker: { epochs: 1, rows: 24, hardNegatives: 12 },
});
