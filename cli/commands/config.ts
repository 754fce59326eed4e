import { defaultConfigFile } from "../../trainer/training/config/config-file.ts";

/** `recsys config`: prints a config file with every hyperparameter's default. */
export function configCommand(): void {
  console.log(defaultConfigFile().trimEnd());
}
