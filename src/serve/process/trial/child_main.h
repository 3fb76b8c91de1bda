// The life of a model's process, from its entry to its end: see child.h for how it is started.
#pragma once

namespace millrace::serve::process {

// The exit statuses that say more than "it went wrong".
inline constexpr int kExitNoMemory = 86, kExitNoTask = 87;

// For main() when the first word of the command line is kChildWord: takes the task from the socket, gives up what it
// can do, loads the model, answers with a verdict and, if it is asked to, serves it from its slots until the socket
// closes.
int run_child();

}  // namespace millrace::serve::process
