#include "values/place.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace bridge {

namespace {

// A place longer than this is shown by its two ends.
constexpr size_t kMaxPlace = 200;

bool IsIdentifier(const std::string& key) {
  const auto is_part = [](unsigned char character) {
    return std::isalnum(character) != 0 || character == '_' || character == '$' || character >= 0x80;
  };
  return !key.empty() && std::isdigit(static_cast<unsigned char>(key[0])) == 0 && std::ranges::all_of(key, is_part);
}

}  // namespace

std::string StepTo(const std::string& key) { return IsIdentifier(key) ? "." + key : "[\"" + key + "\"]"; }

std::string Shortened(const std::string& place) {
  if (place.size() <= kMaxPlace) return place;
  const auto is_continuation = [&](size_t at) { return (static_cast<unsigned char>(place[at]) & 0xC0U) == 0x80; };
  size_t begin = kMaxPlace / 2;
  size_t end = place.size() - kMaxPlace / 2;
  while (is_continuation(begin)) --begin;
  while (end < place.size() && is_continuation(end)) ++end;
  return place.substr(0, begin) + "…" + place.substr(end);
}

}  // namespace bridge
