#include "tools/ctl/completion.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace grange::ctl {
namespace {

// Options whose argument is the next word: what follows them is no command.
void CollectValued(const CommandHelp& command, std::vector<std::string>& words) {
  for (const CommandHelp::Option& option : command.options) {
    if (option.argument.empty()) continue;
    for (const std::string& word : option.words) {
      if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
    }
  }
  for (const CommandHelp& below : command.commands) CollectValued(below, words);
}

std::vector<std::string> OptionWords(const CommandHelp& command) {
  std::vector<std::string> words;
  for (const CommandHelp::Option& option : command.options) {
    words.insert(words.end(), option.words.begin(), option.words.end());
  }
  return words;
}

// The branches of a `case` over the path of commands that was typed so far.
void AppendBashCases(const CommandHelp& command, const std::string& globals, std::string& out) {
  std::vector<std::string> words;
  for (const CommandHelp& below : command.commands) words.push_back(below.Name());
  absl::StrAppend(&out, "    '", command.path, "')\n      commands='", absl::StrJoin(words, " "),
                  "'\n      options='", absl::StrJoin(OptionWords(command), " "), globals,
                  "' ;;\n");
  for (const CommandHelp& below : command.commands) AppendBashCases(below, globals, out);
}

std::string ZshQuoted(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}, {":", "\\:"}}), "'");
}

void AppendZshCases(const CommandHelp& command, const CommandHelp& root, std::string& out) {
  absl::StrAppend(&out, "    '", command.path, "')\n");
  if (!command.commands.empty()) {
    out += "      entries=(\n";
    for (const CommandHelp& below : command.commands) {
      absl::StrAppend(&out, "        ", ZshQuoted(below.Name()), ":", ZshQuoted(below.summary),
                      "\n");
    }
    out += "      )\n";
  }
  out += "      options=(\n";
  const auto add = [&out](const CommandHelp& of) {
    for (const CommandHelp::Option& option : of.options) {
      for (const std::string& word : option.words) {
        absl::StrAppend(&out, "        ", ZshQuoted(word), ":", ZshQuoted(option.description),
                        "\n");
      }
    }
  };
  add(command);
  if (&command != &root) add(root);
  out += "      ) ;;\n";
  for (const CommandHelp& below : command.commands) AppendZshCases(below, root, out);
}

// Both shells walk the typed words in the same way.
constexpr char kBashWalk[] = R"(_grangectl() {
  local current="${COMP_WORDS[COMP_CWORD]}" path='grangectl' commands='' options='' word skip=''
  local -i i
  for ((i = 1; i <= COMP_CWORD; i++)); do
    _grangectl_words "$path"
    ((i == COMP_CWORD)) && break
    word="${COMP_WORDS[i]}"
    if [[ -n $skip ]]; then skip=''; continue; fi
    case " $_grangectl_valued " in *" $word "*) skip=1; continue ;; esac
    case " $commands " in *" $word "*) path="$path $word" ;; esac
  done
  COMPREPLY=()
  if [[ -n $skip ]]; then
    compopt -o default
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [[ -n $commands ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
  else
    compopt -o default
  fi
}
complete -F _grangectl grangectl
)";

constexpr char kZshWalk[] = R"(_grangectl() {
  local path_so_far='grangectl' word skip=''
  local -a entries options
  local -i i
  for ((i = 2; i <= CURRENT; i++)); do
    entries=() options=()
    _grangectl_words "$path_so_far"
    ((i == CURRENT)) && break
    word="${words[i]}"
    if [[ -n $skip ]]; then skip=''; continue; fi
    if [[ " $_grangectl_valued " == *" $word "* ]]; then skip=1; continue; fi
    if [[ -n "${(M)entries:#$word:*}" ]]; then path_so_far="$path_so_far $word"; fi
  done
  if [[ -n $skip ]]; then
    _files
  elif [[ ${words[CURRENT]} == -* ]]; then
    _describe -o 'option' options
  elif (( ${#entries} )); then
    _describe 'command' entries
  else
    _files
  fi
}
compdef _grangectl grangectl
)";

}  // namespace

std::string BashCompletion(const CommandHelp& root) {
  std::vector<std::string> valued;
  CollectValued(root, valued);
  std::string out = absl::StrCat(
      "# bash completion of grangectl: source it, or put it into /etc/bash_completion.d\n"
      "_grangectl_valued='",
      absl::StrJoin(valued, " "), "'\n_grangectl_words() {\n  case \"$1\" in\n");
  std::string globals;
  for (const std::string& word : OptionWords(root)) absl::StrAppend(&globals, " ", word);
  AppendBashCases(root, globals, out);
  absl::StrAppend(&out, "  esac\n}\n", kBashWalk);
  return out;
}

std::string ZshCompletion(const CommandHelp& root) {
  std::vector<std::string> valued;
  CollectValued(root, valued);
  std::string out = absl::StrCat(
      "#compdef grangectl\n# zsh completion of grangectl: source it, or put it into a folder of "
      "$fpath as _grangectl\n_grangectl_valued='",
      absl::StrJoin(valued, " "), "'\n_grangectl_words() {\n  case \"$1\" in\n");
  AppendZshCases(root, root, out);
  absl::StrAppend(&out, "  esac\n}\n", kZshWalk);
  return out;
}

}  // namespace grange::ctl
