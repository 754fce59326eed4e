// npm run docs: the pages of docs/ as a site, with a search that needs no network.
import { defineConfig } from "vitepress";
import { slugOf } from "../../testing/markdown.ts";
import { linkedFiles } from "./linked-files.ts";

const files = linkedFiles();

const page = (text: string, name: string) => ({ text, link: `/${name}` });
const group = (text: string, ...items: [text: string, name: string][]) => ({
  text,
  collapsed: !["A feed today", "Use it"].includes(text),
  items: items.map(([text, name]) => page(text, name)),
});

export default defineConfig({
  title: "recsys",
  description: "A recommender that lives inside Supabase",
  // what a reader has on their own machine
  ignoreDeadLinks: "localhostLinks",
  markdown: { anchor: { slugify: slugOf }, config: files.link },
  buildEnd: files.copy,
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      page("Start", ""),
      page("Client", "client"),
      page("API", "api"),
      page("Operations", "operations"),
      page("Architecture", "architecture"),
    ],
    sidebar: [
      group(
        "A feed today",
        ["Install", ""],
        ["A feed in React", "react"],
        ["A feed in plain HTML", "html"],
        ["The local key and signing in", "signing-in"],
        ["Going live", "going-live"],
      ),
      group(
        "Use it",
        ["The client", "client"],
        ["Is it worth it?", "is-it-worth-it"],
        ["Adopting", "adopting"],
        ["Drafts of the views", "drafting"],
        ["Other ways to migrate", "other-migrations"],
        ["API", "api"],
        ["Pages", "pages"],
        ["Commands", "cli"],
      ),
      group(
        "Run it",
        ["Operations", "operations"],
        ["Upgrading", "upgrading"],
        ["Uninstalling", "uninstalling"],
        ["Experiments in production", "experiments-in-production"],
        ["Promotions", "promotions"],
        ["Feeds from replicas", "replicas"],
        ["Archiving the log", "archive"],
        ["How far it goes", "scaling"],
      ),
      group(
        "Train it",
        ["Training", "training"],
        ["Retraining", "retraining"],
        ["On a cluster", "cluster"],
        ["Data format", "bundle"],
      ),
      group(
        "Change it",
        ["Changing recsys", "contributing"],
        ["Architecture", "architecture"],
        ["Glossary", "glossary"],
        ["Adding a feature", "adding-a-feature"],
        ["Adding a head", "adding-a-head"],
        ["Adding a setting", "adding-a-setting"],
        ["Adding a source", "adding-a-source"],
      ),
      group(
        "How it works",
        ["Stages of a feed", "design/feed"],
        ["What a feed reads of a person", "design/bounded-reads"],
        ["Isolation", "design/isolation"],
        ["Fallbacks and load shedding", "design/fallbacks"],
        ["What a request may not do", "design/requests"],
        ["What the ranker predicts", "design/ranker-heads"],
        ["A page of a feed", "design/page-selection"],
        ["Follows", "design/follows"],
        ["Neighbours of posts", "design/neighbours"],
        ["Vectors of an app's own", "design/app-embeddings"],
        ["Mutes, blocks and filters", "design/filters"],
        ["What readers decide", "design/preferences"],
        ["What is withheld from strangers", "design/withheld"],
        ["The feature store", "design/feature-store"],
        ["What counts", "design/counted-interactions"],
        ["Embedding", "design/embedding"],
        ["Topics", "design/topics"],
        ["Erasure", "design/erasure"],
        ["Life cycle of a model", "design/model-life-cycle"],
        ["Training by schedule", "design/scheduled-training"],
        ["Monitoring", "design/monitoring"],
        ["Similar posts and people", "design/similar"],
        ["Ideas for posts", "design/ideas"],
        ["Lists made ahead", "design/batch"],
      ),
      group(
        "What was measured",
        ["Evaluation", "research/evaluation"],
        ["Speed and memory", "research/performance"],
        ["What was tried", "research/experiments"],
      ),
    ],
  },
});
