#include "coordinator/store/schema.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace grange::store {
namespace {

// kSteps[n] makes version n + 1 out of version n. A step that was released never changes.
constexpr const char* kSteps[] = {
    R"sql(
CREATE TABLE schema (version INTEGER NOT NULL);
INSERT INTO schema VALUES (0);

CREATE TABLE fence (highest INTEGER NOT NULL);
INSERT INTO fence VALUES (0);

CREATE TABLE request_keys (
  key    BLOB PRIMARY KEY,
  answer BLOB NOT NULL,
  at     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX request_keys_at ON request_keys (at);

CREATE TABLE key_check (sealed BLOB NOT NULL);

CREATE TABLE projects (
  id   INTEGER PRIMARY KEY AUTOINCREMENT,
  name BLOB NOT NULL UNIQUE
);
CREATE TABLE project_settings (
  project INTEGER NOT NULL REFERENCES projects,
  key     BLOB NOT NULL,
  value   BLOB NOT NULL,
  PRIMARY KEY (project, key)
) WITHOUT ROWID;
CREATE TABLE project_variables (
  project INTEGER NOT NULL REFERENCES projects,
  name    BLOB NOT NULL,
  sealed  BLOB NOT NULL,
  masked  INTEGER NOT NULL,
  file    INTEGER NOT NULL,
  PRIMARY KEY (project, name)
) WITHOUT ROWID;

CREATE TABLE pipelines (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  project      INTEGER NOT NULL REFERENCES projects,
  sha          BLOB NOT NULL,
  title        BLOB NOT NULL,
  message      BLOB NOT NULL,
  author       BLOB NOT NULL,
  author_email BLOB NOT NULL,
  authored_at  INTEGER NOT NULL,
  ref_name     BLOB NOT NULL,
  is_tag       INTEGER NOT NULL,
  source       BLOB NOT NULL,
  before_sha   BLOB NOT NULL,
  name         BLOB NOT NULL,
  stages       BLOB NOT NULL,
  variables    BLOB NOT NULL,
  errors       BLOB NOT NULL,
  warnings     BLOB NOT NULL,
  state        TEXT NOT NULL,
  finished     INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  started_at   INTEGER NOT NULL,
  finished_at  INTEGER NOT NULL,
  failure      BLOB NOT NULL
);
CREATE INDEX pipelines_of_project ON pipelines (project, id);
CREATE INDEX pipelines_unfinished ON pipelines (id) WHERE finished = 0;

CREATE TABLE jobs (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  pipeline          INTEGER NOT NULL REFERENCES pipelines,
  position          INTEGER NOT NULL,
  name              BLOB NOT NULL,
  stage             BLOB NOT NULL,
  stage_index       INTEGER NOT NULL,
  state             TEXT NOT NULL,
  attempt           INTEGER NOT NULL,
  automatic_retries INTEGER NOT NULL,
  phase             INTEGER NOT NULL,
  fence             INTEGER NOT NULL,
  agent             INTEGER,
  reason            TEXT NOT NULL,
  exit_code         INTEGER NOT NULL,
  cancel_wanted     INTEGER NOT NULL,
  played            INTEGER NOT NULL,
  allowed_to_fail   INTEGER NOT NULL,
  created_at        INTEGER NOT NULL,
  queued_at         INTEGER NOT NULL,
  play_at           INTEGER NOT NULL,
  started_at        INTEGER NOT NULL,
  finished_at       INTEGER NOT NULL,
  detail            BLOB NOT NULL,
  UNIQUE (pipeline, position)
);
CREATE INDEX jobs_with_agent ON jobs (agent) WHERE phase <> 0;

-- Apart from jobs: it is large and never changes, while a job's row is written again and again.
CREATE TABLE job_plans (
  job  INTEGER PRIMARY KEY REFERENCES jobs,
  plan BLOB NOT NULL
);

CREATE TABLE attempts (
  job            INTEGER NOT NULL REFERENCES jobs,
  attempt        INTEGER NOT NULL,
  fence          INTEGER NOT NULL,
  agent          INTEGER,
  state          TEXT NOT NULL,
  reason         TEXT NOT NULL,
  exit_code      INTEGER NOT NULL,
  started_at     INTEGER NOT NULL,
  finished_at    INTEGER NOT NULL,
  trace_bytes    INTEGER NOT NULL DEFAULT 0,
  dropped_bytes  INTEGER NOT NULL DEFAULT 0,
  trace_sha256   BLOB NOT NULL DEFAULT x'',
  trace_damaged  INTEGER NOT NULL DEFAULT 0,
  trace_complete INTEGER NOT NULL DEFAULT 0,
  detail         BLOB NOT NULL DEFAULT x'',
  coverage       REAL,
  artifact       BLOB NOT NULL DEFAULT x'',
  PRIMARY KEY (job, attempt)
) WITHOUT ROWID;
CREATE INDEX attempts_open ON attempts (job, attempt) WHERE trace_complete = 0;

CREATE TABLE artifacts (
  id         BLOB PRIMARY KEY,
  job        INTEGER NOT NULL REFERENCES jobs,
  attempt    INTEGER NOT NULL,
  name       BLOB NOT NULL,
  size       INTEGER NOT NULL,
  sha256     BLOB NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX artifacts_of_job ON artifacts (job, attempt);

CREATE TABLE agents (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  name            BLOB NOT NULL,
  tags            BLOB NOT NULL,
  run_untagged    INTEGER NOT NULL,
  slots           INTEGER NOT NULL,
  project         INTEGER REFERENCES projects,
  credential_hash BLOB NOT NULL,
  session_counter INTEGER NOT NULL,
  draining        INTEGER NOT NULL,
  revoked         INTEGER NOT NULL,
  removed         INTEGER NOT NULL DEFAULT 0,
  version         BLOB NOT NULL,
  registered_at   INTEGER NOT NULL,
  last_contact    INTEGER NOT NULL
);
CREATE UNIQUE INDEX agents_by_name ON agents (name) WHERE removed = 0;
CREATE UNIQUE INDEX agents_by_credential ON agents (credential_hash) WHERE removed = 0;

CREATE TABLE tokens (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  kind       TEXT NOT NULL,
  hash       BLOB NOT NULL UNIQUE,
  user       BLOB NOT NULL,
  role       BLOB NOT NULL,
  project    INTEGER REFERENCES projects,
  tags       BLOB NOT NULL,
  uses_left  INTEGER NOT NULL,
  used       INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked    INTEGER NOT NULL
);
)sql",
    R"sql(
CREATE TABLE audit (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  at    INTEGER NOT NULL,
  user  BLOB NOT NULL,
  token INTEGER,
  peer  BLOB NOT NULL,
  call  BLOB NOT NULL,
  text  BLOB NOT NULL
);
)sql",
    R"sql(
ALTER TABLE attempts ADD COLUMN cpu_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN max_rss_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN alarm BLOB NOT NULL DEFAULT x'';
ALTER TABLE agents ADD COLUMN alarm_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN alarm_from BLOB NOT NULL DEFAULT x'';
)sql",
    R"sql(
ALTER TABLE pipelines ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pipelines ADD COLUMN row_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_plans ADD COLUMN expire_in INTEGER;
ALTER TABLE attempts ADD COLUMN trace_stored INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN trace_removed_at INTEGER;
ALTER TABLE attempts ADD COLUMN trace_removed_by BLOB NOT NULL DEFAULT x'';
ALTER TABLE artifacts ADD COLUMN expires_at INTEGER;
ALTER TABLE artifacts ADD COLUMN removed_at INTEGER;
ALTER TABLE artifacts ADD COLUMN removed_by BLOB NOT NULL DEFAULT x'';
CREATE INDEX pipelines_of_ref ON pipelines (project, is_tag, ref_name, id);
CREATE INDEX attempts_with_trace ON attempts (job, attempt) WHERE trace_stored > 0;
CREATE INDEX artifacts_of_content ON artifacts (sha256) WHERE removed_at IS NULL;

-- So that people hear what became of a pipeline or a job. A pipeline's jobs have ids one after the
-- other.
CREATE TABLE removed_pipelines (
  id         INTEGER PRIMARY KEY,
  project    INTEGER NOT NULL REFERENCES projects,
  first_job  INTEGER NOT NULL,
  last_job   INTEGER NOT NULL,
  removed_at INTEGER NOT NULL,
  removed_by BLOB NOT NULL
);
CREATE INDEX removed_jobs ON removed_pipelines (last_job);

UPDATE job_plans SET expire_in =
  CASE json_extract(CAST(plan AS TEXT), '$.artifacts.expire_in')
    WHEN 'never' THEN 9223372036854775807
    ELSE CAST(json_extract(CAST(plan AS TEXT), '$.artifacts.expire_in') * 1000000 AS INTEGER) END
  WHERE CASE WHEN json_valid(CAST(plan AS TEXT))
        THEN json_extract(CAST(plan AS TEXT), '$.artifacts.expire_in') END IS NOT NULL;
UPDATE artifacts SET expires_at =
  (SELECT CASE expire_in WHEN 9223372036854775807 THEN expire_in ELSE expire_in + created_at END
   FROM job_plans WHERE job_plans.job = artifacts.job);
UPDATE attempts SET trace_stored = trace_bytes WHERE trace_complete = 1 AND trace_bytes > 0;
UPDATE pipelines SET row_bytes = 1000 + length(message) + length(variables) + length(errors) +
  coalesce((SELECT sum(600 + length(plan)) FROM jobs JOIN job_plans ON job = jobs.id
            WHERE jobs.pipeline = pipelines.id), 0);

-- How much there is, kept up to date by the triggers below: nobody has to count. `project` 0 is the
-- coordinator itself.
CREATE TABLE usage (
  project     INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  count       INTEGER NOT NULL DEFAULT 0,
  bytes       INTEGER NOT NULL DEFAULT 0,
  oldest      INTEGER,
  swept_at    INTEGER,
  swept_count INTEGER NOT NULL DEFAULT 0,
  swept_bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (project, kind)
) WITHOUT ROWID;
INSERT INTO usage (project, kind, count, bytes)
  SELECT project, 'pipelines', count(*), sum(row_bytes) FROM pipelines GROUP BY project;
INSERT INTO usage (project, kind, count, bytes)
  SELECT p.project, 'traces', count(*), sum(a.trace_stored)
  FROM attempts a JOIN jobs j ON j.id = a.job JOIN pipelines p ON p.id = j.pipeline
  WHERE a.trace_stored > 0 GROUP BY p.project;
INSERT INTO usage (project, kind, count, bytes)
  SELECT project, 'artifacts', sum(rows), sum(size) FROM
    (SELECT p.project AS project, count(*) AS rows, max(f.size) AS size
     FROM artifacts f JOIN jobs j ON j.id = f.job JOIN pipelines p ON p.id = j.pipeline
     GROUP BY p.project, f.sha256) GROUP BY project;
INSERT INTO usage (project, kind, count, bytes)
  SELECT 0, 'audit', count(*), coalesce(sum(100 + length(text)), 0) FROM audit;

CREATE TRIGGER pipelines_made AFTER INSERT ON pipelines BEGIN
  INSERT INTO usage (project, kind, count, bytes)
    VALUES (new.project, 'pipelines', 1, new.row_bytes)
    ON CONFLICT DO UPDATE SET count = count + 1, bytes = bytes + new.row_bytes;
END;
CREATE TRIGGER pipelines_removed AFTER DELETE ON pipelines BEGIN
  UPDATE usage SET count = count - 1, bytes = bytes - old.row_bytes
    WHERE project = old.project AND kind = 'pipelines';
END;
CREATE TRIGGER traces_stored AFTER UPDATE OF trace_stored ON attempts
WHEN new.trace_stored <> old.trace_stored BEGIN
  INSERT INTO usage (project, kind, count, bytes)
    SELECT p.project, 'traces', (new.trace_stored > 0) - (old.trace_stored > 0),
           new.trace_stored - old.trace_stored
    FROM jobs j JOIN pipelines p ON p.id = j.pipeline WHERE j.id = new.job
    ON CONFLICT DO UPDATE SET count = count + excluded.count, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER traces_gone AFTER DELETE ON attempts WHEN old.trace_stored > 0 BEGIN
  UPDATE usage SET count = count - 1, bytes = bytes - old.trace_stored
    WHERE kind = 'traces' AND project =
      (SELECT p.project FROM jobs j JOIN pipelines p ON p.id = j.pipeline WHERE j.id = old.job);
END;
-- The same content counts once in a project, as its file is there once.
CREATE TRIGGER artifacts_made AFTER INSERT ON artifacts WHEN new.removed_at IS NULL BEGIN
  INSERT INTO usage (project, kind, count, bytes)
    SELECT p.project, 'artifacts', 1, CASE WHEN EXISTS
      (SELECT 1 FROM artifacts f JOIN jobs k ON k.id = f.job JOIN pipelines q ON q.id = k.pipeline
       WHERE f.sha256 = new.sha256 AND f.removed_at IS NULL AND f.id <> new.id
         AND q.project = p.project) THEN 0 ELSE new.size END
    FROM jobs j JOIN pipelines p ON p.id = j.pipeline WHERE j.id = new.job
    ON CONFLICT DO UPDATE SET count = count + excluded.count, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER artifacts_marked AFTER UPDATE OF removed_at ON artifacts
WHEN old.removed_at IS NULL AND new.removed_at IS NOT NULL BEGIN
  INSERT INTO usage (project, kind, count, bytes)
    SELECT p.project, 'artifacts', -1, CASE WHEN EXISTS
      (SELECT 1 FROM artifacts f JOIN jobs k ON k.id = f.job JOIN pipelines q ON q.id = k.pipeline
       WHERE f.sha256 = new.sha256 AND f.removed_at IS NULL AND q.project = p.project)
      THEN 0 ELSE -new.size END
    FROM jobs j JOIN pipelines p ON p.id = j.pipeline WHERE j.id = new.job
    ON CONFLICT DO UPDATE SET count = count + excluded.count, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER artifacts_gone AFTER DELETE ON artifacts WHEN old.removed_at IS NULL BEGIN
  INSERT INTO usage (project, kind, count, bytes)
    SELECT p.project, 'artifacts', -1, CASE WHEN EXISTS
      (SELECT 1 FROM artifacts f JOIN jobs k ON k.id = f.job JOIN pipelines q ON q.id = k.pipeline
       WHERE f.sha256 = old.sha256 AND f.removed_at IS NULL AND q.project = p.project)
      THEN 0 ELSE -old.size END
    FROM jobs j JOIN pipelines p ON p.id = j.pipeline WHERE j.id = old.job
    ON CONFLICT DO UPDATE SET count = count + excluded.count, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER audit_made AFTER INSERT ON audit BEGIN
  UPDATE usage SET count = count + 1, bytes = bytes + 100 + length(new.text)
    WHERE project = 0 AND kind = 'audit';
END;
CREATE TRIGGER audit_removed AFTER DELETE ON audit BEGIN
  UPDATE usage SET count = count - 1, bytes = bytes - 100 - length(old.text)
    WHERE project = 0 AND kind = 'audit';
END;
)sql",
    R"sql(
ALTER TABLE tokens ADD COLUMN from_ranges BLOB NOT NULL DEFAULT x'';
ALTER TABLE agents ADD COLUMN drain_until INTEGER NOT NULL DEFAULT 9223372036854775807;
)sql",
};

absl::StatusOr<bool> HasTable(Connection& connection, bool only_schema) {
  Statement statement =
      only_schema ? connection.Prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema'")
                  : connection.Prepare("SELECT 1 FROM sqlite_schema");
  return statement.Step();
}

absl::StatusOr<int64_t> StoredVersion(Connection& connection, const std::string& path) {
  GRANGE_ASSIGN_OR_RETURN(const bool ours, HasTable(connection, true));
  if (!ours) {
    GRANGE_ASSIGN_OR_RETURN(const bool something, HasTable(connection, false));
    if (!something) return 0;
    return absl::FailedPreconditionError(absl::StrCat(
        "'", path, "' is a database, but not one of Grange; choose another --state directory"));
  }
  Statement statement = connection.Prepare("SELECT version FROM schema");
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) {
    return absl::DataLossError(absl::StrCat(
        "database '", path,
        "': the row with the schema's version is missing; stop the coordinator and bring back a "
        "copy with 'grangectl backup restore'"));
  }
  return statement.Int(0);
}

absl::Status CheckPages(Connection& connection, const std::string& path) {
  Statement statement = connection.Prepare("PRAGMA quick_check(1)");
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  GRANGE_RETURN_IF_ERROR(connection.FoundDamage());
  const std::string result = row ? statement.Bytes(0) : "no answer";
  if (result == "ok") return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("database '", path, "' is damaged: ", result,
                   "; keep the file aside and bring back a copy with 'grangectl backup restore'"));
}

absl::Status Apply(Connection& connection, int64_t version) {
  GRANGE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(connection));
  GRANGE_RETURN_IF_ERROR(connection.Execute(kSteps[version]));
  GRANGE_RETURN_IF_ERROR(
      connection.Prepare("UPDATE schema SET version = ?").Bind(version + 1).Run());
  return transaction.Commit();
}

}  // namespace

int SchemaVersion() { return static_cast<int>(std::size(kSteps)); }

absl::StatusOr<int> ReadSchemaVersion(Connection& connection, const std::string& path) {
  GRANGE_ASSIGN_OR_RETURN(const int64_t version, StoredVersion(connection, path));
  if (version > SchemaVersion()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "database '", path, "' has schema version ", version, ", this program (", GRANGE_VERSION,
        ") knows versions up to ", SchemaVersion(),
        "; start the newer grange-coordinator, or bring back a backup from before the upgrade"));
  }
  return static_cast<int>(version);
}

absl::Status PrepareSchema(Connection& connection, const std::string& path) {
  GRANGE_ASSIGN_OR_RETURN(int version, ReadSchemaVersion(connection, path));
  if (version > 0) GRANGE_RETURN_IF_ERROR(CheckPages(connection, path));
  GRANGE_RETURN_IF_ERROR(
      connection.Execute("PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=67108864;"));
  for (; version < SchemaVersion(); ++version) {
    GRANGE_RETURN_IF_ERROR(Annotate(Apply(connection, version),
                                    absl::StrCat("while making schema version ", version + 1)));
  }
  return absl::OkStatus();
}

}  // namespace grange::store
