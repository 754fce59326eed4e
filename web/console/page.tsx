/** The console: reads which project it belongs to, and shows it. */
import { render } from "preact";
import { readSiteConfig } from "../shared/config.ts";
import { Trouble } from "../shared/elements.tsx";
import { ConsoleApp } from "./app.tsx";

const page = document.getElementById("page") as HTMLElement;
try {
  const config = await readSiteConfig("../config.json");
  page.replaceChildren();
  render(<ConsoleApp config={config} />, page);
} catch (error) {
  page.replaceChildren();
  render(<Trouble error={error} again={() => location.reload()} />, page);
}
