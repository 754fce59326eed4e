import type { Edit } from "./testing-whole-app.ts";

export interface WholeApp {
  name: string;
  edits: Edit[];
  agrees: [what: string, views: string, tables: string][];
  changes: string;
}

export const wholeApps: WholeApp[] = [
  {
    name: "articles",
    edits: [
      {
        why: "x",
        find: "  and articles.approved is true -- unsure: approved: taken as true where it is there to be seen\n",
        put: "  and articles.archived is not true\n",
      },
    ],
    agrees: [],
    changes: `
      update articles set archived = true where id % 31 = 3;
      update articles set published = false, published_at = null where id % 37 = 4;
      insert into user_blocks (blocker_id, blocked_id) select 1 + id % 8, id from users where id % 5 = 3 and 1 + id % 8 <> id on conflict do nothing;
      insert into users_roles select id, 1 from users where id % 23 = 9;
      delete from articles where id % 41 = 6;`,
  },
];
