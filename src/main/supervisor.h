// A small parent of a serving command: it holds the sockets that listen and starts the server again when it crashes.
// Connections that come meanwhile wait in their backlogs.
#pragma once
#include <string>
#include <vector>

namespace millrace {

// Is this `up` or `serve` with --supervise?
bool is_supervised(const std::vector<std::string>& words);

// Until the server ends by itself, is stopped (SIGTERM, SIGINT, SIGHUP go on to it), or crashes too often. The exit
// status is the server's; 128 and the signal's number when it died of one while stopping; 70 when it was given up.
// For the main thread of a process that has no other.
int supervise(const std::vector<std::string>& words);

// Sockets that listen already, or -1.
struct HeldSockets {
  int http = -1, grpc = -1;
};

// In a server that is supervised: what it was given, and from then on it stops when its supervisor is gone. None in any
// other. To be called once, early: it also takes the note of it out of the environment.
HeldSockets take_held_sockets();

}  // namespace millrace
