import { UserError } from "../user-error.ts";

/** What is wrong with a bundle, as one line for its owner: `file:line: reason` (line is left out where the whole file is meant). */
export class BundleError extends UserError {
  override name = "BundleError";
  readonly file: string;
  readonly line: number | undefined;
  readonly reason: string;

  constructor(file: string, line: number | undefined, reason: string) {
    super(line === undefined ? `${file}: ${reason}` : `${file}:${line}: ${reason}`);
    this.file = file;
    this.line = line;
    this.reason = reason;
  }
}
