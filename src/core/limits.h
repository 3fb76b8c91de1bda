// Every bound in one place. A test reaches each of them.
#pragma once
#include <cstddef>
#include <cstdint>

namespace millrace::limits {

inline constexpr size_t json_depth = 64;
inline constexpr size_t json_keys = 10'000;
inline constexpr size_t json_number_digits = 64;
inline constexpr size_t yaml_bytes = 4 << 20;
inline constexpr size_t yaml_depth = 32;
inline constexpr size_t yaml_nodes = 200'000;

inline constexpr size_t http_header_bytes = 16 << 10;
inline constexpr size_t http_headers = 100;
inline constexpr size_t http_target_bytes = 8 << 10;
inline constexpr size_t http_connections = 1'000;
inline constexpr size_t json_body_bytes = 8 << 20;
inline constexpr size_t log_batch_bytes = 16 << 20;
inline constexpr size_t inference_body_bytes = 64 << 20;
inline constexpr uint64_t upload_bytes = 4ULL << 30;

inline constexpr size_t path_bytes = 1 << 10;
inline constexpr size_t path_parts = 32;
inline constexpr size_t name_bytes = 250;
inline constexpr size_t page_size = 1'000;

inline constexpr size_t write_queue = 4'096;     // waiting transactions
inline constexpr size_t store_statements = 512;  // prepared, a connection
inline constexpr size_t read_sessions = 4;       // open reading connections
inline constexpr size_t job_attempts = 3;
inline constexpr size_t jobs_waiting = 10'000;
inline constexpr size_t job_log_bytes = 4 << 20;
inline constexpr size_t graph_nodes = 10'000;     // a walk stops here and says so
inline constexpr size_t inference_queue = 1'024;  // requests waiting for a model
inline constexpr size_t model_bytes = 1 << 30;
inline constexpr size_t model_nodes = 1'000'000;
inline constexpr size_t model_depth = 64;       // graphs within attributes within nodes ...
inline constexpr size_t model_tensors = 1'000;  // inputs or outputs of one model
inline constexpr size_t prediction_segment_bytes = 64 << 20;
inline constexpr size_t release_shadows = 8;          // shadow arms of one release
inline constexpr size_t shadow_queue = 10'000;        // copies of requests that wait for a shadow
inline constexpr size_t shadow_bytes = 64 << 20;      // of their tensors
inline constexpr int64_t shadow_wait_us = 5'000'000;  // that stopping and sealing wait for them
inline constexpr size_t warm_models = 2;              // kept loaded after their arm ended, a deployment

}  // namespace millrace::limits
