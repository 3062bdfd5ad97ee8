#include <utility>

#include "coordinator/store/sqlite_store_rows.h"

namespace grange::store {
namespace {

std::string IdentityOf(ProjectId project, absl::string_view name) {
  return absl::StrCat("project_variables/", project.value(), "/", name);
}

absl::Status AddSettings(Connection& connection, Project& project) {
  Statement statement =
      connection.Prepare("SELECT key, value FROM project_settings WHERE project = ?");
  statement.Bind(project.id);
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return absl::OkStatus();
    project.settings[statement.Bytes(0)] = statement.Bytes(1);
  }
}

absl::StatusOr<std::optional<Project>> FindByName(Connection& connection, absl::string_view name) {
  Project project;
  {
    Statement statement = connection.Prepare("SELECT id FROM projects WHERE name = ?");
    statement.Bind(name);
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return std::optional<Project>();
    project.id = statement.IdAt<ProjectId>(0);
  }
  project.name = std::string(name);
  GRANGE_RETURN_IF_ERROR(AddSettings(connection, project));
  return std::optional<Project>(std::move(project));
}

absl::Status PutSetting(Connection& connection, ProjectId id, absl::string_view key,
                        absl::string_view value) {
  return connection.Prepare("INSERT OR REPLACE INTO project_settings VALUES (?, ?, ?)")
      .Bind(id, key, value)
      .Run();
}

absl::Status NoProject(absl::string_view name) {
  return absl::NotFoundError(absl::StrCat(
      "there is no project '", name, "'; it comes into being with its first 'grangectl submit'"));
}

// For changes whose statement cannot notice that the project is missing.
absl::Status CheckExists(Connection& connection, ProjectId id) {
  Statement statement = connection.Prepare("SELECT 1 FROM projects WHERE id = ?");
  statement.Bind(id);
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? absl::OkStatus() : NoProject(id.ToString());
}

}  // namespace

absl::StatusOr<Project> SqliteStore::FindOrMakeProject(
    absl::string_view name, const std::map<std::string, std::string>& settings) {
  {
    GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
    GRANGE_ASSIGN_OR_RETURN(std::optional<Project> found, FindByName(*reader, name));
    if (found.has_value()) return *std::move(found);
  }
  Project project;
  const absl::Status made = InTransaction([&](Connection& connection) -> absl::Status {
    GRANGE_ASSIGN_OR_RETURN(std::optional<Project> found, FindByName(connection, name));
    if (found.has_value()) {
      project = *std::move(found);
      return absl::OkStatus();
    }
    GRANGE_RETURN_IF_ERROR(
        connection.Prepare("INSERT INTO projects (name) VALUES (?)").Bind(name).Run());
    project = {
        .id = ProjectId(connection.last_id()), .name = std::string(name), .settings = settings};
    for (const auto& [key, value] : settings) {
      GRANGE_RETURN_IF_ERROR(PutSetting(connection, project.id, key, value));
    }
    return absl::OkStatus();
  });
  if (!made.ok()) return made;
  return project;
}

absl::StatusOr<Project> SqliteStore::FindProject(absl::string_view name) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  GRANGE_ASSIGN_OR_RETURN(std::optional<Project> found, FindByName(*reader, name));
  if (!found.has_value()) return NoProject(name);
  return *std::move(found);
}

absl::StatusOr<Project> SqliteStore::GetProject(ProjectId id) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Project project{.id = id, .name = {}, .settings = {}};
  {
    Statement statement = reader->Prepare("SELECT name FROM projects WHERE id = ?");
    statement.Bind(id);
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return NoProject(id.ToString());
    project.name = statement.Bytes(0);
  }
  GRANGE_RETURN_IF_ERROR(AddSettings(*reader, project));
  return project;
}

absl::StatusOr<std::vector<Project>> SqliteStore::ListProjects() {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  std::vector<Project> projects;
  {
    Statement statement = reader->Prepare("SELECT id, name FROM projects ORDER BY name");
    while (true) {
      GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) break;
      projects.push_back(
          {.id = statement.IdAt<ProjectId>(0), .name = statement.Bytes(1), .settings = {}});
    }
  }
  for (Project& project : projects) GRANGE_RETURN_IF_ERROR(AddSettings(*reader, project));
  return projects;
}

absl::Status SqliteStore::SetProjectSetting(ProjectId id, absl::string_view key,
                                            absl::string_view value, const Answer& answer) {
  return InTransaction([&](Connection& connection) -> absl::Status {
    GRANGE_RETURN_IF_ERROR(CheckExists(connection, id));
    if (!value.empty()) {
      GRANGE_RETURN_IF_ERROR(PutSetting(connection, id, key, value));
    } else {
      GRANGE_RETURN_IF_ERROR(
          connection.Prepare("DELETE FROM project_settings WHERE project = ? AND key = ?")
              .Bind(id, key)
              .Run());
    }
    return PutAnswerIn(connection, answer, clock_.Now());
  });
}

absl::Status SqliteStore::SetVariable(ProjectId id, const ProjectVariable& variable,
                                      const Answer& answer) {
  return InTransaction([&](Connection& connection) -> absl::Status {
    GRANGE_RETURN_IF_ERROR(CheckExists(connection, id));
    GRANGE_RETURN_IF_ERROR(
        connection.Prepare("INSERT OR REPLACE INTO project_variables VALUES (?, ?, ?, ?, ?)")
            .Bind(id, variable.name,
                  parts_.sealer->Seal(variable.value, IdentityOf(id, variable.name)),
                  variable.masked, variable.file)
            .Run());
    return PutAnswerIn(connection, answer, clock_.Now());
  });
}

absl::Status SqliteStore::RemoveVariable(ProjectId id, absl::string_view name,
                                         const Answer& answer) {
  return ChangeOne(
      [&](Connection& connection) {
        return connection.Prepare("DELETE FROM project_variables WHERE project = ? AND name = ?")
            .Bind(id, name)
            .Run();
      },
      absl::StrCat("variable '", name, "' in this project"), answer);
}

absl::StatusOr<std::vector<ProjectVariable>> SqliteStore::ListVariables(ProjectId id) {
  GRANGE_ASSIGN_OR_RETURN(Reader reader, Read());
  Statement statement = reader->Prepare(
      "SELECT name, sealed, masked, file FROM project_variables WHERE project = ? ORDER BY name");
  statement.Bind(id);
  std::vector<ProjectVariable> variables;
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return variables;
    ProjectVariable variable;
    variable.name = statement.Bytes(0);
    absl::StatusOr<Secret> value =
        parts_.sealer->Open(statement.Bytes(1), IdentityOf(id, variable.name));
    if (!value.ok()) {
      return Annotate(value.status(), absl::StrCat("variable '", variable.name, "'"));
    }
    variable.value = *std::move(value);
    variable.masked = statement.Bool(2);
    variable.file = statement.Bool(3);
    variables.push_back(std::move(variable));
  }
}

}  // namespace grange::store
