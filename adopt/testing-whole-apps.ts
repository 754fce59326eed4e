/** For tests and benchmarks: the apps of fixtures/ with rows of their own, what is changed in their drafts by hand, and what the views have to show. */
import assert from "node:assert/strict";

/** What is changed in a draft by hand: a text that it has once, what stands there afterwards, why, and the line of doubt that says so. */
export interface Edit {
  why: string;
  doubt: RegExp;
  find: string;
  put: string;
}

/** A draft with edits, each of whose texts it has once. */
export function applyEdits(draft: string, edits: Edit[]): string {
  return edits.reduce((sql, { why, find, put }) => {
    assert.equal(sql.split(find).length, 2, `the draft contains the edited text once (${why}):\n${find}\n\n${draft}`);
    return sql.replace(find, () => put);
  }, draft);
}

interface WholeApp {
  name: string;
  /** Its posts, with the ids by which feeds call them: a table or a query. */
  table: string;
  /** What a person changes in the draft. */
  edits: Edit[];
  /** Two statements each, of the views and of the app's own tables, that give the same rows. */
  agrees: [what: string, views: string, tables: string][];
  /** Columns that members may never read, whatever was granted on the way. */
  secrets: string[];
  /** What happens in the app while people read: each rule forbids something more. */
  changes: string;
}

const isRepost = `"renoteId" is not null and coalesce("text", '') = ''`;
const isPost = `"visibility" in ('public', 'followers') and "replyId" is null and not (${isRepost})`;
const idTime = `946684800000 + (select sum((strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr("id", k, 1)) - 1) * (36 ^ (8 - k))::bigint) from generate_series(1, 8) as k)::bigint`;
const noteDeeds = (kind: string) =>
  `select distinct done.user_id as who, posts.external_id as post from recsys.source_interactions as done join recsys.source_posts as posts using (post_id)
   where done.kind = '${kind}' and done.user_id in (select "authId" from "user") order by 1, 2`;
const byLocal = (rows: string) =>
  `select distinct "authId" as who, "noteId" as post from (${rows}) as done join "user" on "user"."id" = "userId" and "authId" is not null
   where "noteId" in (select "note"."id" from "note" join "user" as author on author."id" = "note"."userId" and not author."isSuspended" and not author."isDeleted" where ${isPost}) order by 1, 2`;
const articleDeeds = (kind: string) => deedsOf(kind, "users");
const byMembers = (rows: string) => byAccounts(rows, "users");

const isLink = `not post.removed and not post.deleted and creator_id in (select id from person where not banned)`;
const deedsOf = (kind: string, people: string) =>
  `select done.user_id as who, recsys.app_id(done.post_id, null) as post, count(*)::int from recsys.source_interactions as done
   where done.kind = '${kind}' and done.user_id in (select auth_id from ${people}) group by 1, 2 order by 1, 2`;
const byAccounts = (rows: string, people: string) =>
  `select auth_id as who, post::text, count(*)::int from (${rows}) as done (person, post) join ${people} on ${people}.id = done.person and auth_id is not null group by 1, 2 order by 1, 2`;
const linkDeeds = (kind: string) => deedsOf(kind, "person");
const byPersons = (rows: string) => byAccounts(rows, "person");
/** What the makers did with content, by the ids that feeds show. */
const makerDeeds = (kind: string) =>
  `select done.user_id as who, ids.id as post, count(*)::int from recsys.source_interactions as done
   left join (select recsys.id_of(id) as post_id, id from (${contentOfMakers}) as content) as ids using (post_id)
   where done.kind = '${kind}' and done.user_id in (select auth_id from profiles) group by 1, 2 order by 1, 2`;
const contentOfMakers = `
  select 'projects/' || id as id, title, description as text, tag_ids, author_id, tenant_id, moderation, deleted, is_draft, created_at from projects union all
  select 'guides/' || id, title, body, '{}', author_id, tenant_id, moderation, deleted, false, created_at from guides union all
  select 'questions/' || id, title, body, '{}', author_id, tenant_id, moderation, deleted, false, created_at from questions union all
  select 'articles/' || id, title, body, '{}', author_id, tenant_id, moderation, deleted, false, created_at from articles`;
const byProfiles = (rows: string) => byAccounts(rows, "profiles");

export const wholeApps: WholeApp[] = [
  {
    name: "notes",
    table: "note",
    edits: [],
    agrees: [
      [
        "posts, their texts and times",
        "select external_id as id, title || description as text, (extract(epoch from created_at) * 1000)::bigint as at from recsys.source_posts order by 1",
        `select "id", "text", ${idTime} as at from "note" where ${isPost} and "userId" in (select "id" from "user" where not "isSuspended" and not "isDeleted") order by 1`,
      ],
      [
        "tags, and the channels that people follow",
        "select external_id as id, tags from recsys.source_posts where tags <> '{}' order by 1",
        `select "id", "tags" from (select "id", "tags" || array(select "channel"."name" from "channel" where "channel"."id" = "channelId") as "tags" from "note" where ${isPost} and "userId" in (select "id" from "user" where not "isSuspended" and not "isDeleted")) as tagged where "tags" <> '{}' order by 1`,
      ],
      [
        "authors, those without an account too",
        `select posts.external_id as id, "authId" as author, count(*) over (partition by author_id)::int as theirs from recsys.source_posts as posts left join "user" on "authId" = author_id where author_id is not null order by 1`,
        `select "note"."id", "authId" as author, count(*) over (partition by "userId")::int as theirs from "note" join "user" on "user"."id" = "userId" and not "isSuspended" and not "isDeleted" where ${isPost} order by 1`,
      ],
      [
        "what people say of themselves",
        `select user_id from recsys.source_users where user_id in (select "authId" from "user") and bio like '%Mostly here for%' order by 1`,
        `select "authId" as user_id from "user" join "user_profile" on "userId" = "id" where "authId" is not null and "description" <> '' and not "isSuspended" and not "isDeleted" order by 1`,
      ],
      [
        "votes: reactions, favourites and reposts",
        noteDeeds("vote"),
        byLocal(
          `select "userId", "noteId" from "note_reaction" union all select "userId", "noteId" from "note_favorite" union all select "userId", "renoteId" from "note" where ${isRepost}`,
        ),
      ],
      [
        "comments: replies and quotes",
        noteDeeds("comment"),
        byLocal(
          `select "userId", coalesce("replyId", "renoteId") as "noteId" from "note" where coalesce("replyId", "renoteId") is not null and not (${isRepost})`,
        ),
      ],
      ["views: votes in polls", noteDeeds("view"), byLocal(`select "userId", "noteId" from "poll_vote"`)],
      [
        "whom people muted or blocked",
        `select user_id as who, count(distinct value)::int from recsys.source_mutes where user_id in (select "authId" from "user") group by 1 order by 1`,
        `select "authId" as who, count(distinct whom)::int from (select "muterId" as id, "muteeId" as whom from "muting" where "expiresAt" is null or "expiresAt" > now() union all select "blockerId", "blockeeId" from "blocking") as muted
         join "user" using (id) where "authId" is not null group by 1 order by 1`,
      ],
      [
        "whom people follow, with the time of the id; nobody whom they only asked",
        `select follows.user_id as who, author_id::text as whom, count(*)::int as posts, (extract(epoch from max(follows.created_at)) * 1000)::bigint as at from recsys.source_follows as follows
         join recsys.source_posts on author_id::text = target join "user" on "authId" = follows.user_id and follows.kind = 'person' where author_id in (select "authId" from "user") group by 1, 2 order by 1, 2`,
        `select who."authId" as who, whom."authId"::text as whom, count(*)::int as posts, (select ${idTime.replaceAll('"id"', '"following"."id"')}) as at from "following" join "user" as who on who."id" = "followerId" and who."authId" is not null
         join "user" as whom on whom."id" = "followeeId" and not whom."isSuspended" and not whom."isDeleted" and whom."authId" is not null join "note" on "note"."userId" = whom."id" where ${isPost} group by 1, 2, "following"."id" order by 1, 2`,
      ],
      [
        "posts of the channels that they follow",
        `select follows.user_id as who, external_id as post from recsys.source_follows as follows join recsys.source_posts on target = any (tags) join "user" on "authId" = follows.user_id where kind = 'group' order by 1, 2`,
        `select "authId" as who, "note"."id" as post from "channel_following" join "user" on "user"."id" = "followerId" and "authId" is not null join "note" on "channelId" = "followeeId"
         where ${isPost} and "userId" in (select "id" from "user" where not "isSuspended" and not "isDeleted") order by 1, 2`,
      ],
    ],
    secrets: [
      "user.token",
      "user_profile.email",
      "user_profile.password",
      "user_profile.twoFactorSecret",
      "user_profile.moderationNote",
    ],
    changes: `
      update "user" set "isSuspended" = true where "username" in ('Member11', 'Member30');
      update "user" set "isDeleted" = true where "username" = 'Member20';
      update "note" set "visibility" = 'followers' where "visibility" = 'public' and right("id", 1) in ('3', 'k');
      update "note" set "visibility" = 'specified' where "visibility" = 'public' and right("id", 1) in ('7', 'p');
      delete from "following" where right("id", 1) in ('2', '5');
      delete from "note" where right("id", 1) = 'z';
      insert into "muting" ("id", "muterId", "muteeId") select 'm' || row_number() over (), a."id", b."id" from "user" as a, "user" as b where a."id" <> b."id" and right(a."username", 1) = right(b."username", 1) and b."username" > 'Member4' on conflict do nothing;
      insert into "blocking" ("id", "blockerId", "blockeeId") select 'b' || row_number() over (), a."id", b."id" from "user" as a, "user" as b where a."id" <> b."id" and right(a."username", 1) = right(b."username", 1) and b."username" < 'Member3' on conflict do nothing;`,
  },
  {
    name: "articles",
    table: "articles",
    edits: [],
    agrees: [
      [
        "posts, their texts, times, tags and the organisations that people follow",
        "select recsys.app_id(post_id, null) as id, title, description, array_to_string(tags, ', ') as tags, created_at at time zone 'utc' as at from recsys.source_posts order by 1",
        "select id::text, title, body_markdown as description, concat_ws(', ', cached_tag_list, (select name from organizations where organizations.id = organization_id)) as tags, published_at as at from articles where published and not archived order by 1",
      ],
      [
        "authors, those without an account too",
        "select recsys.app_id(post_id, null) as id, auth_id as author, count(*) over (partition by author_id)::int as theirs from recsys.source_posts left join users on auth_id = author_id where author_id is not null order by 1",
        "select articles.id::text, auth_id as author, count(*) over (partition by user_id)::int as theirs from articles join users on users.id = user_id where published and not archived order by 1",
      ],
      [
        "what people say of themselves",
        "select user_id from recsys.source_users where user_id in (select auth_id from users) and bio like '%Mostly here for%' order by 1",
        "select auth_id as user_id from users join profiles on user_id = users.id where auth_id is not null and summary <> '' order by 1",
      ],
      [
        "votes: the reactions to articles that are valid and kind",
        articleDeeds("vote"),
        byMembers(
          "select user_id, reactable_id from reactions where reactable_type = 'Article' and status in ('valid', 'confirmed') and category not in ('vomit', 'thumbsdown')",
        ),
      ],
      [
        "comments, without those of moderators",
        articleDeeds("comment"),
        byMembers("select user_id, commentable_id from comments where commentable_type = 'Article' and not deleted"),
      ],
      [
        "views: of pages, and likes of comments",
        articleDeeds("view"),
        byMembers(
          "select user_id, article_id from page_views union all select reactions.user_id, commentable_id from reactions join comments on comments.id = reactable_id where reactable_type = 'Comment' and status in ('valid', 'confirmed')",
        ),
      ],
      [
        "what people do not want to be shown",
        "select user_id as who, recsys.app_id(post_id, null) as post from recsys.source_dismissals order by 1, 2",
        "select distinct auth_id as who, reactable_id::text as post from reactions join users on users.id = user_id where reactable_type = 'Article' and status in ('valid', 'confirmed') and category in ('vomit', 'thumbsdown') order by 1, 2",
      ],
      [
        "whom people blocked",
        "select user_id as who, count(distinct value)::int from recsys.source_mutes where user_id in (select auth_id from users) group by 1 order by 1",
        "select auth_id as who, count(distinct blocked_id)::int from user_blocks join users on users.id = blocker_id where auth_id is not null group by 1 order by 1",
      ],
      [
        "whom people follow, but not where that is blocked",
        "select user_id as who, auth_id as whom from recsys.source_follows join users on auth_id::text = target where kind = 'person' and user_id in (select auth_id from users) order by 1, 2",
        "select who.auth_id as who, whom.auth_id as whom from follows join users as who on who.id = follower_id join users as whom on whom.id = followable_id and whom.id <> who.id where follower_type = 'User' and followable_type = 'User' and not blocked and who.auth_id is not null and whom.auth_id is not null order by 1, 2",
      ],
      [
        "the tags and organisations that they follow",
        "select user_id as who, kind, target from recsys.source_follows where kind <> 'person' and user_id in (select auth_id from users) order by 1, 2, 3",
        "select auth_id as who, case followable_type when 'Organization' then 'group' else 'topic' end as kind, coalesce(organizations.name, tags.name) as target from follows join users on users.id = follower_id and auth_id is not null left join organizations on followable_type = 'Organization' and organizations.id = followable_id left join tags on followable_type = 'ActsAsTaggableOn::Tag' and tags.id = followable_id where follower_type = 'User' and followable_type <> 'User' and not blocked order by 1, 2, 3",
      ],
    ],
    secrets: [
      "users.email",
      "users.encrypted_password",
      "users.reset_password_token",
      "users.last_sign_in_ip",
      "identities.token",
      "users_roles.role_id",
      "notes.content",
    ],
    changes: `
      update articles set archived = true where id % 31 = 3;
      update articles set published = false where id % 37 = 4;
      update articles set published_at = now() at time zone 'utc' + interval '2 days' where id % 43 = 7;
      delete from articles where id % 41 = 6;
      insert into reactions (user_id, reactable_id, reactable_type, category, created_at) select users.id, articles.id, 'Article', 'vomit', now() at time zone 'utc' from users, articles where articles.id % 50 = users.id % 50 on conflict do nothing;
      insert into user_blocks (blocker_id, blocked_id) select a.id, b.id from users as a, users as b where a.id <> b.id and b.id % 16 = a.id % 16 on conflict do nothing;
      insert into users_roles select id, 1 from users where id % 23 = 9;`,
  },
  {
    name: "aggregator",
    table: "post",
    edits: [],
    agrees: [
      [
        "posts, their titles, communities and languages",
        "select recsys.app_id(post_id, null) as id, title, description, array_to_string(tags, ', ') as tags, language, created_at as at from recsys.source_posts order by 1",
        `select post.id::text, post.name as title, coalesce(body, '') as description, community.name as tags, nullif(code, 'und') as language, post.published_at as at
         from post join community on community.id = community_id join language on language.id = language_id where ${isLink} order by 1`,
      ],
      [
        "votes: what was liked or saved, once each",
        linkDeeds("vote"),
        byPersons(
          "select person_id, post_id from post_actions where like_score > 0 union all select person_id, post_id from post_actions where saved_at is not null",
        ),
      ],
      [
        "comments that nobody removed",
        linkDeeds("comment"),
        byPersons("select creator_id, post_id from comment where not removed and not deleted"),
      ],
      [
        "views: what was read, and likes of comments",
        linkDeeds("view"),
        byPersons(
          "select person_id, post_id from post_actions where read_at is not null union all select person_id, post_id from comment_actions join comment on comment.id = comment_id where liked_at is not null",
        ),
      ],
      [
        "what people voted down or hid",
        "select distinct user_id as who, recsys.app_id(post_id, null) as post from recsys.source_dismissals where user_id in (select auth_id from person) order by 1, 2",
        "select auth_id as who, post_id::text as post from post_actions join person on person.id = person_id where auth_id is not null and (like_score < 0 or hidden_at is not null) order by 1, 2",
      ],
      [
        "whom, which communities and which words people block",
        "select user_id as who, kind, count(distinct value)::int from recsys.source_mutes where user_id in (select auth_id from person) group by 1, 2 order by 1, 2",
        `select auth_id as who, kind, count(*)::int from (
           select person_id, 'person' as kind from person_actions where blocked_at is not null union all
           select person_id, 'topic' from community_actions where blocked_at is not null union all select person_id, 'contains' from keyword_block
         ) as blocked join person on person.id = person_id where auth_id is not null group by 1, 2 order by 1, 2`,
      ],
      [
        "whom and which communities they follow, not whom they only asked",
        "select user_id as who, kind, count(distinct target)::int from recsys.source_follows where user_id in (select auth_id from person) group by 1, 2 order by 1, 2",
        `select auth_id as who, kind, count(*)::int from (
           select person_id, 'person' as kind from person_actions where followed_at is not null and not follow_pending union all
           select person_id, 'group' from community_actions where followed_at is not null and blocked_at is null
         ) as followed join person on person.id = person_id where auth_id is not null group by 1, 2 order by 1, 2`,
      ],
    ],
    secrets: ["person.show_adult", "person.default_feed"],
    changes: `
      update post set removed = true where id % 31 = 3;
      update post set nsfw = true where id % 37 = 4;
      delete from post where id % 41 = 6;
      update person set banned = true where id % 23 = 9;
      update community_actions set blocked_at = now() where person_id % 4 = 1;
      insert into person_actions (person_id, target_id, blocked_at) select a.id, b.id, now() from person as a, person as b where a.id <> b.id and b.id % 16 = a.id % 16 on conflict (person_id, target_id) do update set blocked_at = now();
      insert into post_actions (person_id, post_id, hidden_at) select person.id, post.id, now() from person, post where post.id % 50 = person.id % 50 on conflict (person_id, post_id) do update set hidden_at = now();`,
  },
  {
    name: "makers",
    table: `(${contentOfMakers})`,
    edits: [],
    agrees: [
      [
        "what moderators have accepted of four tables, with the names of its tags and its table",
        "select recsys.app_id(post_id, external_id) as id, title, description, array_to_string(tags, ', ') as tags, created_at as at from recsys.source_posts order by 1",
        `select id, title, text as description, concat_ws(', ', (select string_agg(name, ', ' order by name) from tags where tags.id = any (tag_ids)), split_part(id, '/', 1)) as tags, created_at as at
         from (${contentOfMakers}) as content where moderation = 'accepted' and not deleted and not is_draft order by 1`,
      ],
      [
        "who wrote it",
        "select external_id as id, author_id::text as author from recsys.source_posts where author_id in (select id from auth.users) order by 1",
        `select content.id, auth_id::text as author from (${contentOfMakers}) as content join profiles on profiles.id = author_id
         where auth_id is not null and moderation = 'accepted' and not content.deleted and not is_draft order by 1`,
      ],
      [
        "people, once each, though some have a profile in two tenants",
        "select user_id from recsys.source_users where user_id in (select id from auth.users) order by 1",
        "select distinct auth_id as user_id from profiles where auth_id is not null order by 1",
      ],
      [
        "votes and bookmarks, without those of people",
        makerDeeds("vote"),
        byProfiles(
          `select profile_id, 'projects/' || project_id from useful_votes union all select profile_id, 'guides/' || guide_id from guide_votes union all
           select profile_id, content_type || 's/' || content_id from bookmarks where content_type <> 'profile'`,
        ),
      ],
      [
        "comments",
        makerDeeds("comment"),
        byProfiles("select author_id, lower(content_type) || 's/' || content_id from comments where not deleted"),
      ],
      [
        "views",
        makerDeeds("view"),
        byProfiles(
          "select profile_id, 'projects/' || project_id from project_views union all select profile_id, 'questions/' || question_id from question_views",
        ),
      ],
      [
        "whom people blocked",
        "select user_id as who, count(distinct value)::int from recsys.source_mutes where user_id in (select auth_id from profiles) group by 1 order by 1",
        `select mine.auth_id as who, count(distinct coalesce(theirs.auth_id::text, theirs.id::text))::int from blocks
         join profiles as mine on mine.id = blocker_id join profiles as theirs on theirs.id = blocked_id where mine.auth_id is not null group by 1 order by 1`,
      ],
      [
        "to which tenants they belong",
        "select user_id as who, count(*)::int from recsys.source_memberships group by 1 order by 1",
        "select auth_id as who, count(*)::int from profiles where auth_id is not null group by 1 order by 1",
      ],
    ],
    secrets: [],
    changes: `
      update projects set moderation = 'rejected' where id % 31 = 3;
      update projects set is_draft = true where id % 37 = 4;
      update projects set deleted = true where id % 43 = 7;
      delete from projects where id % 41 = 6;
      update guides set moderation = 'rejected' where id % 31 = 3;
      update questions set deleted = true where id % 13 = 7;
      delete from articles where id % 11 = 6;
      insert into blocks (blocker_id, blocked_id) select a.id, b.id from profiles as a, profiles as b where a.id <> b.id and b.id % 16 = a.id % 16 on conflict do nothing;`,
  },
];
