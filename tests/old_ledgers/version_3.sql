CREATE TABLE batches (
    source TEXT NOT NULL,
    dataset TEXT NOT NULL,
    batch TEXT NOT NULL,
    as_of TEXT NOT NULL,
    spec_sha256 TEXT NOT NULL,
    state TEXT NOT NULL,
    origin TEXT NOT NULL,
    since TEXT,
    same_as TEXT,
    content_sha256 TEXT,
    rows_received INTEGER,
    rows_landed INTEGER,
    rows_refused INTEGER,
    counts JSON,
    changes JSON,
    high_water TEXT,
    error TEXT,
    opened_at TEXT NOT NULL,
    closed_at TEXT,
    landed_sha256 TEXT,
    quarantine_sha256 TEXT,
    quarantine_lines INTEGER,
    PRIMARY KEY (source, dataset, batch),
    CONSTRAINT batches_state_check CHECK (state in ('open', 'pulled', 'landed', 'unchanged', 'held', 'refused', 'abandoned')),
    CONSTRAINT batches_origin_check CHECK (origin in ('pull', 'replay'))
);
CREATE TABLE channels (
    recipient TEXT NOT NULL,
    disabled_at TEXT,
    disabled_why TEXT,
    not_before TEXT,
    called_at JSON,
    PRIMARY KEY (recipient)
);
CREATE TABLE data_folder (
    folder_id TEXT NOT NULL,
    turn INTEGER NOT NULL,
    bound_at TEXT NOT NULL,
    bound_by TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (folder_id)
);
CREATE TABLE editions (
    edition_id TEXT NOT NULL,
    as_of TEXT NOT NULL,
    recipe_sha256 TEXT NOT NULL,
    manifest_sha256 TEXT NOT NULL,
    ruleset_id TEXT NOT NULL,
    kind TEXT,
    signed_by TEXT,
    PRIMARY KEY (edition_id)
);
CREATE TABLE held_decisions (
    source TEXT NOT NULL,
    dataset TEXT NOT NULL,
    batch TEXT NOT NULL,
    decided_at TEXT NOT NULL,
    action TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    why TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    as_of TEXT NOT NULL,
    PRIMARY KEY (source, dataset, batch, decided_at),
    CONSTRAINT held_decisions_action_check CHECK (action in ('accepted', 'rejected'))
);
CREATE TABLE journal (
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    content TEXT NOT NULL,
    at TEXT NOT NULL,
    prev_sha256 TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (sequence)
);
CREATE TABLE ledger_version (
    version INTEGER NOT NULL,
    PRIMARY KEY (version)
);
CREATE TABLE message_attempts (
    message_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    at TEXT NOT NULL,
    outcome TEXT,
    PRIMARY KEY (message_id, number)
);
CREATE TABLE quarantine_decisions (
    record_id TEXT NOT NULL,
    source TEXT NOT NULL,
    dataset TEXT NOT NULL,
    action TEXT NOT NULL,
    why TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at TEXT NOT NULL,
    as_of TEXT NOT NULL,
    batch TEXT,
    PRIMARY KEY (record_id),
    CONSTRAINT quarantine_decisions_action_check CHECK (action in ('replayed', 'discarded'))
);
CREATE TABLE relays (
    host TEXT NOT NULL,
    process TEXT NOT NULL,
    started_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (host)
);
CREATE TABLE returns (
    return_id TEXT NOT NULL,
    source TEXT NOT NULL,
    recipient TEXT,
    as_of TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    file_name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    received INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    last_error TEXT,
    created_at TEXT NOT NULL,
    sent_at TEXT,
    PRIMARY KEY (return_id),
    CONSTRAINT returns_state_check CHECK (state in ('kept', 'pending', 'sent', 'superseded'))
);
CREATE TABLE runs (
    run_id TEXT NOT NULL,
    as_of TEXT NOT NULL,
    driver TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    edition_id TEXT,
    report JSON,
    host TEXT,
    process TEXT,
    seen_at TEXT,
    PRIMARY KEY (run_id),
    CONSTRAINT runs_state_check CHECK (state in ('running', 'published', 'nothing_new', 'blocked', 'failed', 'source_missing'))
);
CREATE TABLE alerts (
    message_id TEXT NOT NULL,
    run_id TEXT,
    recipient TEXT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    last_error TEXT,
    created_at TEXT NOT NULL,
    sent_at TEXT,
    next_try_at TEXT,
    claimed_by TEXT,
    claimed_until TEXT,
    PRIMARY KEY (message_id),
    CONSTRAINT alerts_state_check CHECK (state in ('pending', 'sent', 'dead', 'discarded')),
    FOREIGN KEY(run_id) REFERENCES runs (run_id)
);
CREATE TABLE deliveries (
    delivery_id TEXT NOT NULL,
    edition_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    send_date TEXT,
    file_name TEXT,
    sha256 TEXT,
    rows INTEGER,
    denied INTEGER,
    last_error TEXT,
    created_at TEXT NOT NULL,
    sent_at TEXT,
    number INTEGER,
    kind TEXT,
    due_on TEXT,
    manifest_sha256 TEXT,
    note JSON,
    ack_due_on TEXT,
    ack_state TEXT,
    ack_reason TEXT,
    acked_at TEXT,
    PRIMARY KEY (delivery_id),
    CONSTRAINT deliveries_state_check CHECK (state in ('pending', 'sent', 'superseded')),
    FOREIGN KEY(edition_id) REFERENCES editions (edition_id)
);
CREATE TABLE edition_acts (
    act_no INTEGER NOT NULL,
    act TEXT NOT NULL,
    edition_id TEXT NOT NULL,
    stands TEXT,
    note JSON,
    why TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at TEXT NOT NULL,
    PRIMARY KEY (act_no),
    CONSTRAINT edition_acts_act_check CHECK (act in ('rolled_back', 'withdrawn', 'corrected')),
    FOREIGN KEY(edition_id) REFERENCES editions (edition_id),
    FOREIGN KEY(stands) REFERENCES editions (edition_id)
);
CREATE TABLE objections (
    objection_id TEXT NOT NULL,
    edition_id TEXT NOT NULL,
    uscc TEXT NOT NULL,
    what TEXT NOT NULL,
    opened_on TEXT NOT NULL,
    due_on TEXT NOT NULL,
    opened_by TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    decision TEXT,
    why TEXT,
    decided_on TEXT,
    decided_by TEXT,
    closed_on TEXT,
    closed_by TEXT,
    corrected_by TEXT,
    PRIMARY KEY (objection_id),
    CONSTRAINT objections_decision_check CHECK (decision in ('upheld', 'rejected')),
    FOREIGN KEY(edition_id) REFERENCES editions (edition_id),
    FOREIGN KEY(corrected_by) REFERENCES editions (edition_id)
);
CREATE TABLE outbox (
    message_id TEXT NOT NULL,
    edition_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    last_error TEXT,
    created_at TEXT NOT NULL,
    sent_at TEXT,
    next_try_at TEXT,
    claimed_by TEXT,
    claimed_until TEXT,
    PRIMARY KEY (message_id),
    CONSTRAINT outbox_state_check CHECK (state in ('pending', 'sent', 'dead', 'discarded')),
    FOREIGN KEY(edition_id) REFERENCES editions (edition_id)
);
CREATE TABLE pages (
    source TEXT NOT NULL,
    dataset TEXT NOT NULL,
    batch TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    label TEXT NOT NULL,
    raw_sha256 TEXT NOT NULL,
    raw_bytes INTEGER NOT NULL,
    next_cursor JSON,
    voided BOOLEAN NOT NULL,
    fetched_at TEXT NOT NULL,
    PRIMARY KEY (source, dataset, batch, sequence),
    FOREIGN KEY(source, dataset, batch) REFERENCES batches (source, dataset, batch) ON DELETE CASCADE
);
CREATE TABLE publications (
    publication_no INTEGER NOT NULL,
    edition_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    supersedes TEXT,
    run_id TEXT,
    published_at TEXT NOT NULL,
    PRIMARY KEY (publication_no),
    UNIQUE (edition_id, sequence),
    FOREIGN KEY(edition_id) REFERENCES editions (edition_id),
    FOREIGN KEY(supersedes) REFERENCES editions (edition_id),
    FOREIGN KEY(run_id) REFERENCES runs (run_id)
);
CREATE TABLE publicities (
    edition_id TEXT NOT NULL,
    list_id TEXT NOT NULL,
    opened_on TEXT NOT NULL,
    until TEXT NOT NULL,
    opened_by TEXT NOT NULL,
    closed_on TEXT,
    closed_by TEXT,
    PRIMARY KEY (edition_id, list_id),
    FOREIGN KEY(edition_id) REFERENCES editions (edition_id)
);
CREATE TABLE published_rulesets (
    ruleset_id TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    content JSON NOT NULL,
    edition_id TEXT NOT NULL,
    PRIMARY KEY (ruleset_id),
    FOREIGN KEY(edition_id) REFERENCES editions (edition_id)
);
CREATE TABLE denials (
    delivery_id TEXT NOT NULL,
    consent_id TEXT NOT NULL,
    uscc TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (delivery_id, consent_id),
    FOREIGN KEY(delivery_id) REFERENCES deliveries (delivery_id)
);
insert into batches values ('tax', 'filings', '2025-06-30-001', '2025-06-30', 's', 'landed', 'pull', null, null, null, null, null, null, '{"b": 2}', null, null, null, '2025-06-30T01:00:00.000+00:00', null, null, null, null);
insert into editions values ('e1', '2025-06-30', 'r', 'm', 'x', null, null);
insert into ledger_version values (3);
insert into runs values ('r1', '2025-06-30', 'plain', 'published', '2025-06-30T01:00:00.000+00:00', '2025-06-30T01:05:00.000+00:00', 'e1', '{"a": 1}', null, null, null);
insert into deliveries values ('e1.bank_a.1', 'e1', 'bank_a', 'pending', 0, null, null, null, null, null, null, '2025-06-30T01:05:00.000+00:00', null, null, null, null, null, null, null, null, null, null);
insert into outbox values ('e1.policy.1', 'e1', 'policy', '{}', 'sent', 1, null, '2025-06-30T01:05:00.000+00:00', '2025-06-30T01:06:00.000+00:00', null, null, null);
insert into pages values ('tax', 'filings', '2025-06-30-001', 1, 'page 1', 'x', 3, null, false, '2025-06-30T01:00:00.000+00:00');
insert into publications values (1, 'e1', 1, null, 'r1', '2025-06-30T01:05:00.000+00:00');
insert into denials values ('e1.bank_a.1', 'c1', 'u', 'withdrawn');
