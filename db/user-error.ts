/** An error whose message is written for the person at the keyboard: one line, with the cure. Shown without a stack trace. */
export class UserError extends Error {
  override name = "UserError";
}
