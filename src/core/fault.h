// Points where a step can die in the middle. MILLRACE_FAULT=name ends the process there, as kill -9 would;
// MILLRACE_FAULT=name:N at the Nth visit. Costs one branch when unset.
#pragma once

namespace millrace {
void fault_point(const char* name);
}

#define FAULT_POINT(name) ::millrace::fault_point(name)
