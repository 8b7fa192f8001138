-- SPDX-License-Identifier: Apache-2.0
-- Events by month, what is known of each gate and each journal, and who may do what.

-- One row an event. `at` is the clock of the gate. The id of an event is gate, journal and sequence;
-- `at` is part of the key because of the partitions, and the same for every delivery.
create table plategate.events (
    gate text not null,
    journal text not null,
    sequence bigint not null,
    at timestamptz not null,
    received_at timestamptz not null default now(),
    lane text not null,
    type text not null,
    data jsonb not null,
    primary key (gate, journal, sequence, at)
) partition by range (at);
create index events_at on plategate.events using brin (at);
create index events_received_at on plategate.events using brin (received_at);

-- Events outside the months that exist: of a gate whose clock is wrong.
create table plategate.events_other partition of plategate.events default;

-- The numbers of one journal of one gate. Numbers up to `base` are from before the gate was collected; a journal that takes
-- the place of another one is collected from its start.
create table plategate.streams (
    gate text not null,
    journal text not null,
    base bigint not null,
    newest bigint not null,
    seen int8multirange not null default '{}',
    lost int8multirange not null default '{}',
    missing int8multirange generated always as (
        int8multirange(int8range(base, greatest(base, newest), '(]')) - seen - lost
    ) stored,
    watched int8multirange not null default '{}',  -- missing at the last check
    begun_at timestamptz not null default now(),
    heard_at timestamptz not null default now(),
    asked int8multirange not null default '{}',  -- the last request to the gate
    asked_at timestamptz,
    asks integer not null default 0,
    primary key (gate, journal)
) with (fillfactor = 70);

-- When the collectors last looked for missing numbers; whoever holds the row does it.
create table plategate.gap_check (
    only_row boolean primary key default true check (only_row),
    checked_at timestamptz not null default '-infinity'
);
insert into plategate.gap_check default values;

-- Reports of gates about numbers that never come.
create table plategate.lost (
    gate text not null,
    journal text not null,
    after bigint not null,
    until bigint not null,
    reason text not null,
    reported_at timestamptz not null default now(),
    primary key (gate, journal, after, until)
);

-- Availability and state of each gate, as it published them last.
create table plategate.gates (
    gate text primary key,
    online boolean,
    online_at timestamptz,
    state jsonb,
    state_at timestamptz
) with (fillfactor = 70);

-- Messages that are no event, and why.
create table plategate.rejected (
    id bigint generated always as identity primary key,
    received_at timestamptz not null default now(),
    topic text not null,
    reason text not null,
    payload bytea not null
);

-- One row, written by `plategate collector migrate`.
create table plategate.retention (
    only_row boolean primary key default true check (only_row),
    months integer not null check (months >= 1),
    plate_days integer not null check (plate_days >= 1),
    rejected_days integer not null check (rejected_days >= 1),
    plates_removed_before timestamptz not null default '-infinity',
    plates_removed_at timestamptz not null default '-infinity'
);

grant usage on schema plategate to plategate_writer, plategate_reader;
grant insert on plategate.events, plategate.rejected, plategate.lost to plategate_writer;
grant select, insert, update on plategate.streams, plategate.gates to plategate_writer;
grant select, update on plategate.gap_check to plategate_writer;
grant select on plategate.migrations, plategate.retention to plategate_writer;
grant select on plategate.lost to plategate_writer;
