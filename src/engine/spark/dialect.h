// Spark's spelling: Spark SQL 4 with ANSI on, session time zone UTC and what session.cc sets.
#pragma once
#include "engine/dialect.h"

namespace millrace::engine::spark {

const Dialect& dialect();

}  // namespace millrace::engine::spark
