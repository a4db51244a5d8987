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
    high_water TEXT,
    error TEXT,
    opened_at TEXT NOT NULL,
    closed_at TEXT,
    PRIMARY KEY (source, dataset, batch),
    CHECK (state in ('open', 'pulled', 'landed', 'unchanged', 'refused', 'abandoned')),
    CHECK (origin in ('pull', 'replay'))
);
CREATE TABLE editions (
    edition_id TEXT NOT NULL,
    as_of TEXT NOT NULL,
    recipe_sha256 TEXT NOT NULL,
    manifest_sha256 TEXT NOT NULL,
    ruleset_id TEXT NOT NULL,
    PRIMARY KEY (edition_id)
);
CREATE TABLE ledger_version (
    version INTEGER NOT NULL,
    PRIMARY KEY (version)
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
    CHECK (action in ('replayed', 'discarded'))
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
    CHECK (state in ('kept', 'pending', 'sent', 'superseded'))
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
    PRIMARY KEY (run_id),
    CHECK (state in ('running', 'published', 'nothing_new', 'blocked', 'failed', 'source_missing'))
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
    PRIMARY KEY (delivery_id),
    CHECK (state in ('pending', 'sent', 'superseded')),
    FOREIGN KEY(edition_id) REFERENCES editions (edition_id)
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
    PRIMARY KEY (message_id),
    CHECK (state in ('pending', 'sent')),
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
    run_id TEXT NOT NULL,
    published_at TEXT NOT NULL,
    PRIMARY KEY (publication_no),
    UNIQUE (edition_id, sequence),
    FOREIGN KEY(edition_id) REFERENCES editions (edition_id),
    FOREIGN KEY(supersedes) REFERENCES editions (edition_id),
    FOREIGN KEY(run_id) REFERENCES runs (run_id)
);
CREATE TABLE denials (
    delivery_id TEXT NOT NULL,
    consent_id TEXT NOT NULL,
    uscc TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (delivery_id, consent_id),
    FOREIGN KEY(delivery_id) REFERENCES deliveries (delivery_id)
);
insert into ledger_version values (2);
insert into runs values ('r1', '2025-06-30', 'plain', 'published', '2025-06-30T01:00:00.000+00:00', '2025-06-30T01:05:00.000+00:00', 'e1', '{"a": 1}');
insert into batches (source, dataset, batch, as_of, spec_sha256, state, counts, opened_at, origin) values ('tax', 'filings', '2025-06-30-001', '2025-06-30', 's', 'landed', '{"b": 2}', '2025-06-30T01:00:00.000+00:00', 'pull');
insert into pages (source, dataset, batch, sequence, label, raw_sha256, raw_bytes, next_cursor, fetched_at, voided) values ('tax', 'filings', '2025-06-30-001', 1, 'page 1', 'x', 3, 'null', '2025-06-30T01:00:00.000+00:00', false);
insert into editions values ('e1', '2025-06-30', 'r', 'm', 'x');
insert into publications values (1, 'e1', 1, null, 'r1', '2025-06-30T01:05:00.000+00:00');
insert into deliveries (delivery_id, edition_id, recipient, state, attempts, created_at) values ('e1.bank_a.1', 'e1', 'bank_a', 'pending', 0, '2025-06-30T01:05:00.000+00:00');
insert into denials values ('e1.bank_a.1', 'c1', 'u', 'withdrawn');
insert into outbox values ('e1.policy.1', 'e1', 'policy', '{}', 'sent', 1, null, '2025-06-30T01:05:00.000+00:00', '2025-06-30T01:06:00.000+00:00');
