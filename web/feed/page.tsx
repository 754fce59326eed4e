/** The feed page: reads which project it belongs to, and shows it. */
import { render } from "preact";
import { readSiteConfig } from "../shared/config.ts";
import { Trouble } from "../shared/elements.tsx";
import { openProject, ProjectProvider } from "../shared/project.ts";
import { FeedApp } from "./app.tsx";
import { followLink } from "./people/sign-in.ts";

// the feed goes on where its reader left it, which no browser knows while its posts are not there
history.scrollRestoration = "manual";

const page = document.getElementById("page") as HTMLElement;
try {
  const project = openProject(await readSiteConfig());
  await followLink(project);
  page.replaceChildren();
  render(
    <ProjectProvider value={project}>
      <FeedApp />
    </ProjectProvider>,
    page,
  );
} catch (error) {
  page.replaceChildren();
  render(<Trouble error={error} again={() => location.reload()} />, page);
}
