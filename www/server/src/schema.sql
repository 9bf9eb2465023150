-- All times are milliseconds since 1970.

CREATE TABLE IF NOT EXISTS secrets (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS users (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL
) STRICT;

-- A family is one sign-in: every refresh token that descends from it.
CREATE TABLE IF NOT EXISTS families (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    revoked_at INTEGER
) STRICT;

-- A row is kept after its token is consumed: that is how reuse is noticed.
CREATE TABLE IF NOT EXISTS refresh_tokens (
    hash            BLOB PRIMARY KEY,
    family_id       TEXT NOT NULL REFERENCES families (id) ON DELETE CASCADE,
    expires_at      INTEGER NOT NULL,
    consumed_at     INTEGER,
    -- Of a token that another was exchanged for: that other one, and the salt that it was derived with.
    parent          BLOB,
    salt            BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS refresh_tokens_by_family ON refresh_tokens (family_id);
CREATE INDEX IF NOT EXISTS refresh_tokens_by_origin ON refresh_tokens (parent);

-- Under which Idempotency-Keys a token was presented.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    token BLOB NOT NULL,
    key   BLOB NOT NULL,
    PRIMARY KEY (token, key)
) STRICT;

CREATE TABLE IF NOT EXISTS notes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    text       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS notes_by_user ON notes (user_id);
