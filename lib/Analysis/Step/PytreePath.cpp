// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PytreePath.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace noether;

/// Takes the access in brackets off the front of `text`: an index, or a quoted key that may itself
/// contain brackets and dots.
static bool consumeBrackets(StringRef &text, PytreePath::Component &component) {
  StringRef rest = text.drop_front();
  if (!rest.empty() && (rest.front() == '\'' || rest.front() == '"')) {
    char quote = rest.front();
    size_t end = 1;
    while (end < rest.size() && rest[end] != quote)
      end += rest[end] == '\\' ? 2 : 1;
    if (end + 1 >= rest.size() || rest[end + 1] != ']')
      return false;
    component = {rest.slice(1, end), false};
    text = rest.drop_front(end + 2);
    return true;
  }
  size_t end = rest.find(']');
  if (end == StringRef::npos)
    return false;
  StringRef key = rest.take_front(end);
  component = {key, !key.empty() && llvm::all_of(key, isDigit)};
  text = rest.drop_front(end + 1);
  return true;
}

PytreePath PytreePath::parse(StringRef name) {
  PytreePath path;
  if (name.empty())
    return path;
  StringRef rest = name.drop_front(std::min(name.find_first_of(".["), name.size()));
  path.components.push_back({name.drop_back(rest.size()), false});
  while (!rest.empty()) {
    Component component;
    if (rest.front() == '.') {
      rest = rest.drop_front();
      component = {rest.take_front(rest.find_first_of(".[")), false};
      rest = rest.drop_front(component.key.size());
    } else if (rest.front() != '[' || !consumeBrackets(rest, component)) {
      path.components.assign(1, {name, false});
      return path;
    }
    path.components.push_back(component);
  }
  return path;
}

size_t PytreePath::getNumLeadingIndices() const {
  size_t count = 0;
  while (count < getNumAccesses() && components[count + 1].isIndex)
    ++count;
  return count;
}

bool PytreePath::mentions(StringRef word) const {
  return llvm::any_of(components, [&](const Component &component) {
    return component.key.contains_insensitive(word);
  });
}

CommonSuffix CommonSuffix::of(const PytreePath &a, const PytreePath &b) {
  CommonSuffix common;
  for (auto [x, y] : llvm::zip(llvm::reverse(a.getComponents()), llvm::reverse(b.getComponents()))) {
    if (!(x == y))
      break;
    ++common.length;
    common.keys += !x.isIndex;
  }
  return common;
}
