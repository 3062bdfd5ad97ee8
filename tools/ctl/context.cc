#include "tools/ctl/context.h"

#include <stdlib.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "tools/ctl/client_config.h"
#include "tools/ctl/exit_code.h"
#include "tools/ctl/repository.h"

namespace grange::ctl {

Context::Context() { MeasureTerminal(); }

void Context::MeasureTerminal() {
  out_ = Terminal::Of(STDOUT_FILENO);
  err_ = Terminal::Of(STDERR_FILENO);
}

void Context::Print(absl::string_view text) {
  if (const absl::Status status = os::WriteAll(STDOUT_FILENO, text); !status.ok()) {
    PrintError(absl::StrCat("can't write to stdout: ", status.message()));
    ::_exit(kExitFailed);
  }
}

void Context::PrintJson(const nlohmann::ordered_json& value) {
  // Foreign text may be no UTF-8; JSON has to be.
  Print(absl::StrCat(value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace),
                     "\n"));
}

void Context::Note(absl::string_view line) {
  if (!json()) PrintError(line);
}

void Context::PrintError(absl::string_view line) {
  // Where stderr is gone there is nobody left to tell.
  os::WriteAll(STDERR_FILENO, absl::StrCat(Printable(line), "\n")).IgnoreError();
}

absl::StatusOr<Client*> Context::client(Amount amount) {
  if (client_ == nullptr) {
    GRANGE_ASSIGN_OR_RETURN(const ClientConfig config,
                            LoadClientConfig(globals_.config, globals_.coordinator));
    GRANGE_ASSIGN_OR_RETURN(client_, Client::Make(config, amount));
  }
  return client_.get();
}

std::string Context::ProjectName() const {
  return globals_.project.empty() ? ProjectNameOf(".") : globals_.project;
}

}  // namespace grange::ctl
