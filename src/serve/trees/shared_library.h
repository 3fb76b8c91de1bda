// A shared library opened with dlopen, and its functions by name. Internal to serve/trees.
#pragma once
#include <dlfcn.h>

#include <filesystem>
#include <string>

#include <fmt/format.h>

#include "core/result.h"

namespace millrace::serve::trees {

class SharedLibrary {
 public:
  // `name` is for people. The path's links are followed first: the library may find others beside where it really lies.
  static Result<SharedLibrary> open(const std::string& name, const std::string& path) {
    std::error_code missing;
    const auto real = std::filesystem::canonical(path, missing);
    void* handle = missing ? nullptr : ::dlopen(real.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle != nullptr) return SharedLibrary(name, path, handle);
    return unusable(name, path, missing ? missing.message() : ::dlerror());
  }

  template <class Function>
  Result<void> find(const char* symbol, Function*& out) const {
    out = reinterpret_cast<Function*>(::dlsym(handle_, symbol));
    if (out != nullptr) return {};
    return unusable(name_, path_, fmt::format("it has no {}", symbol));
  }

 private:
  SharedLibrary(std::string name, std::string path, void* handle)
      : name_(std::move(name)), path_(std::move(path)), handle_(handle) {}
  static Error unusable(const std::string& name, const std::string& path, const std::string& why) {
    return Error{Code::unavailable, fmt::format("{} cannot be used: {}", name, why)}
        .at({.file = path})
        .hint("run ./dev deps, or let MILLRACE_LIB_DIR name the folder of the library");
  }

  std::string name_, path_;
  void* handle_;
};

}  // namespace millrace::serve::trees
