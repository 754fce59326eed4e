/** The console: reads which project it belongs to, and shows it. */
import { render } from "preact";
import { readConfig } from "../shared/config.ts";
import { Trouble } from "../shared/elements.tsx";
import { App } from "./app.tsx";

const page = document.getElementById("page") as HTMLElement;
try {
  const config = await readConfig("../config.json");
  page.replaceChildren();
  render(<App config={config} />, page);
} catch (error) {
  page.replaceChildren();
  render(<Trouble error={error} again={() => location.reload()} />, page);
}
