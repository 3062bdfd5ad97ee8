#ifndef GRANGE_TOOLS_CTL_CONTEXT_H_
#define GRANGE_TOOLS_CTL_CONTEXT_H_

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/ctl/client.h"
#include "tools/ctl/terminal.h"

namespace grange::ctl {

// The options that every command takes.
struct Globals {
  std::string config;
  std::string coordinator;
  std::string project;
  std::string output = "table";
};

// What a command works with: the global options, the two outputs, and the coordinator, which is not
// touched before a command asks for it.
class Context {
 public:
  Context();

  Globals& globals() { return globals_; }
  const Globals& globals() const { return globals_; }
  bool json() const { return globals_.output == "json"; }

  const Terminal& out() const { return out_; }  // stdout
  const Terminal& err() const { return err_; }  // stderr
  void MeasureTerminal();                       // its size has changed

  // To stdout, as it is. What can't be written ends the program with kExitFailed.
  void Print(absl::string_view text);
  // To stdout: one line, the value.
  void PrintJson(const nlohmann::ordered_json& value);
  // One line to stderr: what a person wants to know although all is well. Nothing with -o json.
  void Note(absl::string_view line);
  // One line to stderr, made printable.
  void PrintError(absl::string_view line);

  // Reads the configuration at the first call, whose `amount` counts.
  absl::StatusOr<Client*> client(Amount amount = Amount::kLittle);

  // --project, else the name of the repository around the current directory, else the directory's.
  std::string ProjectName() const;

 private:
  Globals globals_;
  Terminal out_, err_;
  std::unique_ptr<Client> client_;
};

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_CONTEXT_H_
