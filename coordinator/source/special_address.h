#ifndef GRANGE_COORDINATOR_SOURCE_SPECIAL_ADDRESS_H_
#define GRANGE_COORDINATOR_SOURCE_SPECIAL_ADDRESS_H_

#include <sys/socket.h>

#include <string>

namespace grange::source {

// True unless the address is one of the public Internet: loopback, link-local, private, shared,
// multicast, documentation and reserved ones are special, and so is whatever may hide an address of
// version 4 in one of version 6, or is of no IP family at all.
bool IsSpecialAddress(const sockaddr& address);

// "127.0.0.1", "::1"; "?" for other families.
std::string AddressText(const sockaddr& address);

}  // namespace grange::source

#endif  // GRANGE_COORDINATOR_SOURCE_SPECIAL_ADDRESS_H_
