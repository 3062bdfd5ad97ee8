#include "wire_text.h"

#include <sstream>

#include "absl/strings/str_cat.h"

namespace grange {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

std::string TypeOf(const FieldDescriptor& field) {
  std::string type = field.type_name();
  if (field.message_type() != nullptr)
    absl::StrAppend(&type, " ", field.message_type()->full_name());
  if (field.enum_type() != nullptr) absl::StrAppend(&type, " ", field.enum_type()->full_name());
  if (field.is_repeated()) absl::StrAppend(&type, " repeated");
  if (field.real_containing_oneof() != nullptr) {
    absl::StrAppend(&type, " oneof ", field.real_containing_oneof()->name());
  }
  return type;
}

void AddEnum(const EnumDescriptor& type, WireText& text) {
  for (int i = 0; i < type.value_count(); ++i) {
    // By its enum, not by its scope: the enum is part of its meaning.
    text[absl::StrCat("value ", type.full_name(), ".", type.value(i)->name())] =
        absl::StrCat(type.value(i)->number());
  }
}

void AddMessage(const Descriptor& message, WireText& text) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    text[absl::StrCat("field ", std::string(field.full_name()))] =
        absl::StrCat(field.number(), " ", TypeOf(field));
  }
  for (int i = 0; i < message.enum_type_count(); ++i) AddEnum(*message.enum_type(i), text);
  for (int i = 0; i < message.nested_type_count(); ++i) AddMessage(*message.nested_type(i), text);
}

void AddService(const ServiceDescriptor& service, WireText& text) {
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    text[absl::StrCat("rpc ", method.full_name())] = absl::StrCat(
        method.client_streaming() ? "stream " : "", method.input_type()->full_name(), " -> ",
        method.server_streaming() ? "stream " : "", method.output_type()->full_name());
  }
}

}  // namespace

void AddFile(const google::protobuf::FileDescriptor& file, WireText& text) {
  for (int i = 0; i < file.message_type_count(); ++i) AddMessage(*file.message_type(i), text);
  for (int i = 0; i < file.enum_type_count(); ++i) AddEnum(*file.enum_type(i), text);
  for (int i = 0; i < file.service_count(); ++i) AddService(*file.service(i), text);
}

std::string Print(const WireText& text) {
  std::string printed;
  for (const auto& [name, meaning] : text) absl::StrAppend(&printed, name, " = ", meaning, "\n");
  return printed;
}

WireText ParseWireText(const std::string& printed) {
  WireText text;
  std::istringstream lines(printed);
  std::string line;
  while (std::getline(lines, line)) {
    const size_t equals = line.find(" = ");
    if (equals != std::string::npos) text[line.substr(0, equals)] = line.substr(equals + 3);
  }
  return text;
}

WireDifference Compare(const WireText& frozen, const WireText& now) {
  WireDifference difference;
  for (const auto& [name, meaning] : frozen) {
    const auto found = now.find(name);
    if (found == now.end()) {
      difference.broken.push_back(absl::StrCat(name, " was removed; it was ", meaning));
    } else if (found->second != meaning) {
      difference.broken.push_back(
          absl::StrCat(name, " was ", meaning, " and is ", found->second, " now"));
    }
  }
  for (const auto& [name, meaning] : now) {
    if (frozen.count(name) == 0) difference.added.push_back(absl::StrCat(name, " = ", meaning));
  }
  return difference;
}

}  // namespace grange
