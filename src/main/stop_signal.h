// SIGTERM and SIGINT as something to wait for.
#pragma once

namespace millrace {

class StopSignal {
 public:
  StopSignal();       // takes the signals over; one object at a time
  ~StopSignal();      // gives them back
  void wait() const;  // until one arrives; a second one then ends the process as usual
};

}  // namespace millrace
