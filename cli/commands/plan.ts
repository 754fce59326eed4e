/** `recsys plan`: which compute size carries a community, what stops first, and what to do then. No database is asked. */
import type { Figures } from "../plan/plan.ts";
import { planText } from "../plan/text.ts";

export function planCommand(figures: Figures): void {
  console.log(planText(figures));
}
