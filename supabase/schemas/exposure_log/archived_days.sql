-- Days of the exposure log that are no longer in the table: each is a Parquet file, which was read back before the day was detached.

create table recsys_engine.archived_days (
  day date not null,
  part integer not null check (part >= 1),
  location text not null,
  path text not null,
  row_count bigint not null check (row_count >= 0),
  promoted_count bigint not null check (promoted_count >= 0),
  checksum numeric not null,
  bytes bigint not null check (bytes > 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  archived_at timestamptz not null default now(),
  restored_at timestamptz,
  primary key (day, part)
);
comment on table recsys_engine.archived_days is 'The files that `recsys archive` made of days of recsys.impressions. Training reads them, and `recsys archive --restore` brings a day back.';
comment on column recsys_engine.archived_days.day is 'The day, by UTC.';
comment on column recsys_engine.archived_days.part is 'From 1; more than one where rows came later, or where what was restored had changed.';
comment on column recsys_engine.archived_days.location is
  'The folder, or s3://BUCKET/PREFIX. An operator who moves the files updates it.';
comment on column recsys_engine.archived_days.path is 'The file within it.';
comment on column recsys_engine.archived_days.row_count is 'How many rows it holds.';
comment on column recsys_engine.archived_days.promoted_count is 'How many of them name a promotion.';
comment on column recsys_engine.archived_days.checksum is 'Over its rows, in whatever order: of each row the first 64 bits of the sha256 of what PostgreSQL sends of it in binary, signed, summed.';
comment on column recsys_engine.archived_days.bytes is 'The size of the file.';
comment on column recsys_engine.archived_days.sha256 is 'That of the file, in hex.';
comment on column recsys_engine.archived_days.archived_at is 'When the day was detached.';
comment on column recsys_engine.archived_days.restored_at is 'Since when the rows are in recsys.impressions again; null: they are not.';
alter table recsys_engine.archived_days enable row level security;
grant select on recsys_engine.archived_days to service_role;
