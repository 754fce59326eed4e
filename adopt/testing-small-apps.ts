/** For tests: the apps of fixtures/ with few rows, and the manual edits of their drafts. Those of testing-whole-apps.ts have many rows and are trained. */
import type { Edit } from "./testing-whole-apps.ts";

interface SmallApp {
  name: string;
  /** Its posts; undefined: it has none that others may read. */
  table?: string;
  edits: Edit[];
}

export const smallApps: SmallApp[] = [
  { name: "todos", edits: [] },
  { name: "slack-clone", table: "messages", edits: [] },
  { name: "recipes", table: "recipes", edits: [] },
  { name: "links", table: "story", edits: [] },
  { name: "magazine", table: 'content."BlogPost"', edits: [] },
  {
    name: "team-chat",
    table: "posts",
    edits: [
      {
        why: "what the system says is for no feed",
        doubt:
          /public\.posts: type holds the type of a post \(system_join_channel\): exclude the types that do not belong in a feed/,
        find: "  and (posts.rootid is null or posts.rootid = '')",
        put: "  and posts.type = ''\n  and (posts.rootid is null or posts.rootid = '')",
      },
    ],
  },
  {
    name: "forum",
    table: "topics",
    edits: [
      {
        why: "private messages are topics, too",
        doubt: /public\.topics: archetype holds the type of a post: exclude the types that do not belong in a feed/,
        find: "  and topics.visible is true",
        put: "  and topics.archetype = 'regular'\n  and topics.visible is true",
      },
    ],
  },
  {
    name: "communities",
    table: "post",
    edits: [
      {
        why: "blocked words name a login, which names a person",
        doubt: /public\.local_user_keyword_block: it is left out: whose it is is said by a row of public\.local_user/,
        find: ") as muted;",
        put: `  union all
  select recsys.person_id_of(local_user.person_id), 'word', keyword, null from public.local_user_keyword_block join public.local_user on local_user.id = local_user_id
) as muted;`,
      },
    ],
  },
  {
    name: "statuses",
    table: "statuses",
    edits: [
      {
        why: "0 is public; the app has no policies, which could say so",
        doubt: /public\.statuses: visibility says who may see a post: the view leaves that to row level security/,
        find: "  and who.suspended_at is null",
        put: "  and statuses.visibility = 0\n  and who.suspended_at is null",
      },
    ],
  },
];
