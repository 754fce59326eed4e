/** The feed page: reads which project it belongs to, and shows it. */
import { render } from "preact";
import { readConfig } from "../shared/config.ts";
import { openProject, ProjectContext } from "../shared/project.ts";
import { Trouble } from "../shared/trouble.tsx";
import { App } from "./app.tsx";
import { followLink } from "./people/sign-in.ts";

// the feed goes on where its reader left it, which no browser knows while its posts are not there
history.scrollRestoration = "manual";

const page = document.getElementById("page") as HTMLElement;
try {
  const project = openProject(await readConfig());
  await followLink(project);
  page.replaceChildren();
  render(
    <ProjectContext.Provider value={project}>
      <App />
    </ProjectContext.Provider>,
    page,
  );
} catch (error) {
  page.replaceChildren();
  render(<Trouble error={error} again={() => location.reload()} />, page);
}
