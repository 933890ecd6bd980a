/** The schema, as the steps that led to it. A step that was released is never edited. All times are ms since 1970. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  -- Facts of this node that the federation has not acknowledged. Sequences come from meta and never repeat.
  CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    fact TEXT NOT NULL,
    wire TEXT NOT NULL
  ) STRICT;

  -- The last accepted fact per (source, address).
  CREATE TABLE accepted_facts (
    source TEXT NOT NULL,
    address TEXT NOT NULL,
    accepted TEXT NOT NULL,
    PRIMARY KEY (source, address)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE high_water (key TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    idempotency_key TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    status TEXT NOT NULL,
    proposal TEXT NOT NULL,
    approved_by TEXT,
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER,
    error_class TEXT,
    message TEXT NOT NULL,
    observed TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX actions_by_status ON actions (status, id);

  CREATE TABLE attempts (
    attempt TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT
  ) STRICT;
  CREATE TABLE attempt_actions (
    action_id INTEGER NOT NULL REFERENCES actions (id),
    attempt TEXT NOT NULL REFERENCES attempts (attempt),
    PRIMARY KEY (action_id, attempt)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX attempt_actions_by_attempt ON attempt_actions (attempt);

  CREATE TABLE owned_objects (key TEXT PRIMARY KEY, prior_value TEXT) STRICT, WITHOUT ROWID;

  CREATE TABLE leases (
    pool TEXT NOT NULL,
    address TEXT NOT NULL,
    lease TEXT NOT NULL,
    PRIMARY KEY (pool, address)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE objects (
    identity TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE dynamic_config_parts (
    source TEXT NOT NULL,
    generation INTEGER NOT NULL,
    observed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    digest TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (source, generation)
  ) STRICT;
  `,
  `
  -- Runs of plugins that observe; the newest of each are kept.
  CREATE TABLE plugin_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    plugin TEXT NOT NULL,
    run TEXT NOT NULL
  ) STRICT;
  CREATE INDEX plugin_runs_by_plugin ON plugin_runs (plugin, id);

  -- What each subscription did about each event that it matched.
  CREATE TABLE event_subscription_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription TEXT NOT NULL,
    event_id TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    event TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    message TEXT NOT NULL,
    entered_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (subscription, event_id)
  ) STRICT;
  CREATE INDEX event_subscription_runs_by_key ON event_subscription_runs (subscription, dedupe_key);
  CREATE INDEX event_subscription_runs_by_status ON event_subscription_runs (subscription, status, id);
  CREATE INDEX event_subscription_runs_by_expiry ON event_subscription_runs (expires_at);

  CREATE TABLE event_subscriptions (
    subscription TEXT PRIMARY KEY,
    matched INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Events of this node that no hub has acknowledged, and the history of everybody's, in the order of acceptance.
  CREATE TABLE event_outbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL,
    wire TEXT NOT NULL
  ) STRICT;
  CREATE TABLE event_history (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    accepted_at INTEGER NOT NULL,
    event TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_history_by_age ON event_history (accepted_at);
  `,
  `
  -- Orders that were given through this node and stood when they were last seen.
  CREATE TABLE own_orders (subject TEXT PRIMARY KEY, operator_order TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
];
