// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MotionBuilder.h"

#include "mlir/IR/BuiltinTypes.h"

#include <cmath>
#include <functional>

using namespace mlir;
using namespace noether;

llvm::StringRef ParameterMotion::describeDrive() const {
  switch (drive) {
  case Drive::Unknown:
    return "unknown";
  case Drive::Gradient:
    return "gradient";
  case Drive::Normalized:
    return "normalized";
  case Drive::Sign:
    return "sign";
  }
  llvm_unreachable("unknown drive");
}

MotionBuilder::MotionBuilder(const UpdateGraph &graph, UpdateForms &forms, unsigned parameter)
    : graph(graph), forms(forms), self(forms.parameterAtom()) {
  motion.parameter = parameter;
  llvm::append_range(motion.carriedStates, forms.getCarriedStates());
  next = forms.nextParameter();
}

/// Adds the states that a form needs, directly or through their own updates; other atoms go to `others`.
bool MotionBuilder::collect(const UpdateForm &form, SmallVectorImpl<unsigned> &buffers) {
  for (auto &[atom, number] : form.terms) {
    if (atom == self || atom == forms.gradientAtom())
      continue;
    std::optional<unsigned> state = forms.stateOf(atom);
    if (!state) {
      others.insert(atom);
      continue;
    }
    if (llvm::is_contained(buffers, *state))
      continue;
    const UpdateForm *update = forms.nextState(*state);
    if (!update || buffers.size() == 4)
      return false;
    buffers.push_back(*state);
    if (!collect(*update, buffers))
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Directions
//===----------------------------------------------------------------------===//

/// Whether an atom is the root (or one over the root) of a sum.
bool MotionBuilder::isRootOf(AtomId atom, UpdateForm &square, bool inverse) const {
  const Program::Step *step = forms.stepOf(atom);
  if (!step || step->kind != Program::StepKind::Rule || step->numOperands == 0)
    return false;
  Arithmetic kind = UpdateForms::arithmeticOf(step->op);
  if (kind != (inverse ? Arithmetic::Rsqrt : Arithmetic::Sqrt))
    return false;
  square = forms.asForm(graph.program.operands(*step)[0]);
  return true;
}

/// `numerator / (factor sqrt(square) + factor epsilon)`, or times an inverse root.
std::optional<MotionBuilder::Quotient> MotionBuilder::asQuotient(AtomId atom) const {
  Quotient result;
  if (auto factors = forms.factorsOf(atom)) {
    for (auto [a, b] : {*factors, std::pair(factors->second, factors->first)})
      if (isRootOf(b, result.square, /*inverse=*/true)) {
        result.numerator.terms.push_back({a, 1.0});
        return result;
      }
    return std::nullopt;
  }
  const Program::Step *step = forms.stepOf(atom);
  if (!step || step->kind != Program::StepKind::Rule || step->numOperands != 2)
    return std::nullopt;
  ArrayRef<ValueId> operands = graph.program.operands(*step);
  Arithmetic kind = UpdateForms::arithmeticOf(step->op);
  if (kind == Arithmetic::Multiply) {
    for (auto [a, b] : {std::pair(0, 1), std::pair(1, 0)}) {
      UpdateForm root = forms.asForm(operands[b]);
      if (!root.isSingle() || !isRootOf(root.terms[0].first, result.square, true))
        continue;
      return result.numerator.add(root.terms[0].second, forms.asForm(operands[a]))
                 ? std::optional(result)
                 : std::nullopt;
    }
    return std::nullopt;
  }
  if (kind != Arithmetic::Divide)
    return std::nullopt;
  UpdateForm divisor = forms.asForm(operands[1]);
  std::optional<UpdateNumber> factor, added;
  for (auto &[part, number] : divisor.terms) {
    if (part == UpdateForms::kOne) {
      added = number;
      continue;
    }
    if (factor || !isRootOf(part, result.square, false))
      return std::nullopt;
    factor = number;
  }
  // The factor of the root may hold the learning rate, and its sign.
  std::optional<UpdateNumber> scale = factor ? factor->inverse() : std::nullopt;
  if (factor && !scale)
    if (std::optional<double> limit = forms.evaluate(*factor); limit && *limit != 0)
      scale = 1 / *limit;
  if (!scale)
    return std::nullopt;
  result.scale = *scale;
  if (std::optional<UpdateNumber> epsilon = added ? added->times(*scale) : std::nullopt)
    result.epsilon = forms.evaluate(*epsilon);
  result.numerator = forms.asForm(operands[0]);
  return result;
}

/// What an atom is the sign of.
std::optional<UpdateForm> MotionBuilder::asSigned(AtomId atom) const {
  const Program::Step *step = forms.stepOf(atom);
  if (!step || step->kind != Program::StepKind::Rule || step->numOperands != 1 ||
      UpdateForms::arithmeticOf(step->op) != Arithmetic::Sign)
    return std::nullopt;
  return forms.asForm(graph.program.operands(*step)[0]);
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

std::optional<double> MotionBuilder::entry(const UpdateForm &form, AtomId atom) const {
  return forms.evaluate(form[atom]);
}

/// The update over the parameter, `outer` and `inner` buffers. A direction is replaced by what it is linear
/// in, times `scale`.
std::optional<LinearMotion> MotionBuilder::numbers(const UpdateForm *inDirection, double scale,
                                                   bool withDecay) {
  SmallVector<const UpdateForm *> rows = {next};
  SmallVector<AtomId> atoms = {self};
  for (unsigned state : llvm::concat<unsigned>(outer, inner)) {
    AtomId atom = graph.program.getArguments()[state];
    if (llvm::is_contained(atoms, atom))
      continue;
    atoms.push_back(atom);
    rows.push_back(forms.nextState(state));
  }
  motion.buffers.clear();
  for (AtomId atom : llvm::drop_begin(atoms))
    motion.buffers.push_back(*forms.stateOf(atom));
  size_t size = atoms.size();
  SmallVector<double> transition(size * size, 0.0), drive(size, 0.0);
  std::optional<AtomId> gradient = forms.gradientAtom();
  auto add = [&](size_t row, const UpdateForm &form, double factor, bool isDirection) {
    for (auto &[atom, number] : form.terms) {
      std::optional<double> value = forms.evaluate(number);
      if (!value)
        return false;
      if (atom == gradient) {
        if (!carriesShared(number, 1))
          return false;
        drive[row] += factor * *value;
        continue;
      }
      const auto *it = llvm::find(atoms, atom);
      if (it == atoms.end())
        return false;
      // The parameter within what is normalized: its decay there has other units.
      bool isNormalized =
          it == atoms.begin() && (isDirection || row > outer.size()) && direction;
      if (!isNormalized || withDecay)
        transition[row * size + (it - atoms.begin())] += factor * *value;
    }
    return true;
  };
  for (auto [row, form] : llvm::enumerate(rows)) {
    if (!form)
      return std::nullopt;
    UpdateForm rest = *form;
    if (direction) {
      UpdateNumber coefficient = rest[*direction];
      llvm::erase_if(rest.terms, [&](auto &term) { return term.first == *direction; });
      std::optional<UpdateNumber> scaled = coefficient.times(directionScale);
      std::optional<double> factor = scaled ? forms.evaluate(*scaled) : std::nullopt;
      if (!factor || (*factor != 0 && !inDirection) ||
          (*factor != 0 && !add(row, *inDirection, *factor * scale, true)))
        return std::nullopt;
    }
    if (!add(row, rest, 1.0, false))
      return std::nullopt;
  }
  return LinearMotion(transition, drive);
}

/// Whether all numbers of an update without directions are constants of the program.
bool MotionBuilder::isConstant() const {
  auto areConstants = [](const UpdateForm *form) {
    return form && llvm::all_of(form->terms, [](auto &term) { return term.second.getConstant(); });
  };
  return areConstants(next) && llvm::all_of(motion.buffers, [&](unsigned state) {
           return areConstants(forms.nextState(state));
         });
}

/// Whether a form is made of squares, and of states that add up squares.
bool MotionBuilder::isSumOfSquares(const UpdateForm &form) const {
  bool hasSquare = false;
  for (auto &[atom, number] : form.terms) {
    if (atom == UpdateForms::kOne)
      continue; // an epsilon
    if (forms.squareBase(atom)) {
      hasSquare = true;
      continue;
    }
    std::optional<unsigned> state = forms.stateOf(atom);
    const UpdateForm *update = state ? forms.nextState(*state) : nullptr;
    if (!update || !llvm::all_of(update->terms, [&, atom = atom](auto &term) {
          return term.first == atom || term.first == UpdateForms::kOne || forms.squareBase(term.first);
        }))
      return false;
    hasSquare |= update->terms.size() > 1;
  }
  return hasSquare;
}

/// What a moving average of squares settles at, per square of a gradient's entry.
std::optional<double> MotionBuilder::sizeOfSquare(const UpdateForm &square) {
  std::optional<AtomId> source;
  double result = 0;
  auto addSquare = [&](AtomId atom, double factor, const UpdateNumber &number) {
    if (!forms.squareBase(atom) || (source && *source != atom) || !carriesShared(number, 2))
      return false;
    source = atom;
    result += factor;
    return true;
  };
  for (auto &[atom, number] : square.terms) {
    if (atom == UpdateForms::kOne)
      continue; // an epsilon
    std::optional<double> factor = forms.evaluate(number);
    if (!factor)
      return std::nullopt;
    std::optional<unsigned> state = forms.stateOf(atom);
    if (!state) {
      if (!addSquare(atom, *factor, number))
        return std::nullopt;
      continue;
    }
    // v' = rate v + (1 - rate) square
    const UpdateForm *update = forms.nextState(*state);
    if (!update)
      return std::nullopt;
    std::optional<double> rate = entry(*update, atom);
    if (!rate || *rate < 0 || *rate >= 1 || (motion.secondMoment && *motion.secondMoment != *rate))
      return std::nullopt;
    motion.secondMoment = rate;
    for (auto &[other, weight] : update->terms) {
      if (other == atom || other == UpdateForms::kOne)
        continue;
      std::optional<double> value = forms.evaluate(weight);
      if (!value || !addSquare(other, *factor * *value / (1 - *rate), weight))
        return std::nullopt;
    }
  }
  if (!source || !(result > 0))
    return std::nullopt;
  // What is squared: the gradient, perhaps with the parameter's decay in it; or what differs it from a moving
  // average, which varies as much as if gradients were not correlated.
  const UpdateForm &base = *forms.squareBase(*source);
  std::optional<double> own =
      forms.gradientAtom() ? entry(base, *forms.gradientAtom()) : std::nullopt;
  if (!own)
    return std::nullopt;
  SmallVector<double> weights(inner.size(), 0.0);
  for (auto &[atom, number] : base.terms) {
    if (atom == self || atom == forms.gradientAtom())
      continue;
    std::optional<unsigned> state = forms.stateOf(atom);
    const auto *it = state ? llvm::find(inner, *state) : inner.end();
    std::optional<double> weight = forms.evaluate(number);
    if (it == inner.end() || !weight)
      return std::nullopt;
    weights[it - inner.begin()] = *weight;
    squaresDifference = true;
  }
  if (!squaresDifference)
    return result * *own * *own;
  std::optional<LinearMotion> buffers = innerBuffers();
  std::optional<double> variance =
      buffers ? buffers->bufferVariance(weights, *own) : std::nullopt;
  return variance && *variance > 0 ? std::optional(result * *variance) : std::nullopt;
}

/// Where a state keeps the largest that something has been, what that is.
std::optional<UpdateForm> MotionBuilder::asRunningMaximum(const UpdateForm &form) const {
  if (!form.isSingle())
    return std::nullopt;
  const Program::Step *step = forms.stepOf(form.terms[0].first);
  if (!step || step->kind != Program::StepKind::Rule || step->numOperands != 2)
    return std::nullopt;
  StringRef name = step->op->getName().stripDialect();
  if (name != "maximum" && name != "maximumf")
    return std::nullopt;
  ArrayRef<ValueId> operands = graph.program.operands(*step);
  for (auto [kept, other] : {std::pair(0, 1), std::pair(1, 0)}) {
    UpdateForm state = forms.asForm(operands[kept]);
    std::optional<unsigned> argument =
        state.isSingle() ? forms.stateOf(state.terms[0].first) : std::nullopt;
    if (argument &&
        graph.program.getResults()[*graph.roles.arguments[*argument].carriedTo] == form.terms[0].first)
      return forms.asForm(operands[other]);
  }
  return std::nullopt;
}

/// The buffers that a direction is made of, on their own: the first row is empty.
std::optional<LinearMotion> MotionBuilder::innerBuffers() const {
  size_t size = inner.size() + 1;
  SmallVector<double> transition(size * size, 0.0), drive(size, 0.0);
  for (auto [row, state] : llvm::enumerate(inner)) {
    const UpdateForm *update = forms.nextState(state);
    for (auto &[atom, number] : update->terms) {
      std::optional<double> value = forms.evaluate(number);
      if (!value)
        return std::nullopt;
      if (atom == forms.gradientAtom()) {
        if (!carriesShared(number, 1))
          return std::nullopt;
        drive[row + 1] = *value;
      } else if (atom != self) {
        std::optional<unsigned> from = forms.stateOf(atom);
        const auto *it = from ? llvm::find(inner, *from) : inner.end();
        if (it == inner.end())
          return std::nullopt;
        transition[(row + 1) * size + (it - inner.begin()) + 1] = *value;
      }
    }
  }
  return LinearMotion(transition, drive);
}

//===----------------------------------------------------------------------===//
// What tells updates apart
//===----------------------------------------------------------------------===//

/// Text that is equal for updates of equal coefficients.
void MotionBuilder::findKeys() {
  std::function<void(llvm::raw_ostream &, const UpdateNumber &)> print =
      [&](llvm::raw_ostream &os, const UpdateNumber &number) {
        for (const UpdateNumber::Term &term : number.getTerms()) {
          os << term.factor;
          for (auto [id, power] : term.powers) {
            const SymbolTable::Symbol &symbol = forms.getSymbols()[id];
            os << "*";
            if (symbol.choice.empty()) {
              os << symbol.value << "." << symbol.part;
            } else {
              // Each parameter has a choice of its own, by one predicate.
              os << symbol.chosenBy << "?";
              for (const UpdateNumber &each : symbol.choice)
                print(os, each);
            }
            os << "^" << power;
          }
          os << "+";
        }
        os << ";";
      };
  llvm::raw_string_ostream decay(motion.decayKey), all(motion.key);
  if (motion.decay == ParameterMotion::Decay::Decoupled)
    print(decay, (*next)[self]);
  if (motion.drive != ParameterMotion::Drive::Gradient || !inner.empty())
    return;
  SmallVector<const UpdateForm *> rows = {next};
  SmallVector<AtomId> atoms = {self};
  if (forms.gradientAtom())
    atoms.push_back(*forms.gradientAtom());
  for (unsigned state : motion.buffers) {
    rows.push_back(forms.nextState(state));
    atoms.push_back(graph.program.getArguments()[state]);
  }
  for (const UpdateForm *row : rows)
    for (AtomId atom : atoms)
      print(all, (*row)[atom]);
}

//===----------------------------------------------------------------------===//
// What is divided by its size
//===----------------------------------------------------------------------===//

void MotionBuilder::findNormalization() {
  std::optional<Quotient> quotient = asQuotient(*direction);
  if (!quotient || !forms.gradientAtom())
    return;
  size_t known = others.size();
  if (!collect(quotient->numerator, inner) || others.size() != known)
    return;
  // A running maximum has no stationary state; it bounds what is divided by it all the same.
  std::optional<UpdateForm> largest = asRunningMaximum(quotient->square);
  if (largest)
    quotient->square = *largest;
  if (!isSumOfSquares(quotient->square))
    return;
  motion.drive = ParameterMotion::Drive::Normalized;
  directionScale = quotient->scale;
  motion.epsilon = quotient->epsilon;
  findDirectionMemory(quotient->numerator);
  std::optional<double> size = sizeOfSquare(quotient->square);
  if (!size)
    return;
  if (largest) {
    if (!squaresDifference)
      findBound(quotient->numerator, *size);
    return;
  }
  motion.linear = numbers(&quotient->numerator, 1 / std::sqrt(*size), false);
  if (!motion.linear)
    return;
  if (auto decayed = numbers(&quotient->numerator, 1 / std::sqrt(*size), true))
    if (auto with = decayed->decayRate(), without = motion.linear->decayRate(); with && without)
      motion.normalizedDecay = *with - *without;
  if (!squaresDifference)
    findBound(quotient->numerator, *size);
}

/// Whether what is divided is the gradient alone, or one moving average of it.
void MotionBuilder::findDirectionMemory(const UpdateForm &numerator) {
  AtomId gradient = *forms.gradientAtom();
  if ((step = (*next)[*direction].times(numerator[gradient])))
    step = step->times(directionScale);
  if (inner.empty())
    motion.directionMemory = 0;
  if (inner.size() != 1)
    return;
  AtomId state = graph.program.getArguments()[inner.front()];
  const UpdateForm &update = *forms.nextState(inner.front());
  std::optional<double> rate = entry(update, state), own = entry(update, gradient),
                        part = entry(numerator, state), weight = entry(numerator, gradient);
  if (rate && own && part && weight && numerator[self].isZero() && update[self].isZero() &&
      *own != 0 && *weight != 0 && std::abs(*part / *weight - *rate / *own) <= 1e-9 * std::abs(*rate / *own))
    motion.directionMemory = rate;
}

/// The largest that an entry of the direction can be: numerator and square are linear in the past.
void MotionBuilder::findBound(const UpdateForm &numerator, double size) {
  std::optional<LinearMotion> buffers = innerBuffers();
  std::optional<double> own = entry(numerator, *forms.gradientAtom());
  if (!buffers || !own || !motion.secondMoment)
    return;
  if (inner.size() == 1)
    motion.firstMoment = buffers->at(1, 1);
  SmallVector<double> weights, state(inner.size(), 0.0);
  for (unsigned each : inner)
    weights.push_back(entry(numerator, graph.program.getArguments()[each]).value_or(0));
  // The numerator is in terms of the old states: the gradient of this step enters by `own`, then the states
  // hand it on.
  auto response = [&](unsigned k) {
    if (k == 0)
      return *own;
    SmallVector<double> next(inner.size(), 0.0);
    for (size_t i = 0; i < inner.size(); ++i) {
      next[i] = k == 1 ? buffers->driveOf(i + 1) : 0;
      for (size_t j = 0; k > 1 && j < inner.size(); ++j)
        next[i] += buffers->at(i + 1, j + 1) * state[j];
    }
    state = next;
    double result = 0;
    for (size_t i = 0; i < inner.size(); ++i)
      result += weights[i] * state[i];
    return result;
  };
  // `size` is the sum of the weights (1 - rate) rate^k of the squares.
  motion.directionBound =
      momentRatioBound(response, size * (1 - *motion.secondMoment), *motion.secondMoment);
}

void MotionBuilder::findSign() {
  std::optional<UpdateForm> argument = asSigned(*direction);
  size_t known = others.size();
  if (!argument || !forms.gradientAtom() || !collect(*argument, inner) || others.size() != known)
    return;
  motion.drive = ParameterMotion::Drive::Sign;
  std::optional<LinearMotion> buffers = innerBuffers();
  std::optional<double> own = entry(*argument, *forms.gradientAtom());
  SmallVector<double> weights;
  for (unsigned each : inner) {
    std::optional<double> weight = entry(*argument, graph.program.getArguments()[each]);
    if (!weight)
      return;
    weights.push_back(*weight);
  }
  std::optional<double> variance =
      buffers && own ? buffers->bufferVariance(weights, *own) : std::nullopt;
  if (!variance || *variance <= 0)
    return;
  // The best linear stand-in for the sign of a normal variable.
  motion.linear = numbers(&*argument, std::sqrt(2 / M_PI / *variance), false);
}

//===----------------------------------------------------------------------===//
// Other facts
//===----------------------------------------------------------------------===//

/// A number made of several parameters' gradients, such as a clipping by the global norm, that multiplies the
/// gradient wherever it enters: what drives the parameter is then their product.
void MotionBuilder::findCoupling() {
  SmallVector<const UpdateForm *> updates = {next};
  for (unsigned state : forms.getStates())
    updates.push_back(forms.nextState(state));
  bool isOne = true;
  for (const UpdateForm *update : updates) {
    if (!update)
      continue;
    for (auto &[atom, number] : update->terms) {
      std::optional<UpdateForms::SharedFactor> factor = forms.sharedFactor(number);
      if (!factor || !factor->empty())
        if (const UpdateNumber::Term *term = number.getTerms().begin())
          for (auto [symbol, power] : term->powers)
            if (auto value = forms.findShared(symbol); value && !motion.coupledBy)
              motion.coupledBy = graph.findCoupling(*value);
      if (atom != forms.gradientAtom())
        continue;
      isOne &= factor && (!shared || *shared == *factor);
      if (factor && !shared)
        shared = factor;
    }
  }
  if (!isOne || !shared || shared->empty())
    shared.reset();
  else
    forms.absorb(*shared);
}

/// Whether a coefficient of the gradient (or of its square) has the factor that belongs to the gradient.
bool MotionBuilder::carriesShared(const UpdateNumber &number, int power) const {
  UpdateForms::SharedFactor expected = shared.value_or(UpdateForms::SharedFactor());
  for (auto &entry : expected)
    entry.second *= power;
  std::optional<UpdateForms::SharedFactor> factor = forms.sharedFactor(number);
  return factor && *factor == expected;
}

/// Digits of a type's significand, the leading one included; nothing for wide types.
static std::optional<unsigned> coarseDigits(Type type) {
  auto element = dyn_cast<FloatType>(getElementTypeOrSelf(type));
  if (!element || element.getWidth() > 16)
    return std::nullopt;
  return element.getFPMantissaWidth();
}

/// Averages of squares that their type does not let forget: what they keep of themselves is nearer to 1 than
/// half a unit in the last place.
void MotionBuilder::findFrozenAverages() {
  func::FuncOp entryFunction = graph.roles.entry;
  for (unsigned state : forms.getStates()) {
    std::optional<unsigned> digits =
        coarseDigits(entryFunction.getArgumentTypes()[state]);
    const UpdateForm *update = digits ? forms.nextState(state) : nullptr;
    if (!update || update->terms.size() != 2)
      continue;
    AtomId atom = graph.program.getArguments()[state];
    std::optional<double> keeps = entry(*update, atom);
    if (!keeps || *keeps > 1 || 1 - *keeps > std::ldexp(1.0, -int(*digits) - 1))
      continue;
    bool isAverage = llvm::all_of(update->terms, [&](auto &term) {
      if (term.first == atom)
        return true;
      std::optional<double> weight = forms.evaluate(term.second);
      // A sum of squares, with weight 1, is meant to grow.
      return forms.squareBase(term.first) && weight && *weight > 0 && *weight < 0.5;
    });
    if (isAverage)
      motion.frozenAverages.push_back({state, *keeps});
  }
}

ParameterMotion MotionBuilder::build(const EntryValues &values) {
  if (!next)
    return motion;
  findCoupling();
  findFrozenAverages();
  if (!collect(*next, outer))
    return motion;
  if (others.contains(UpdateForms::kOne) || others.size() > 1) {
    findDecay();
    return motion;
  }
  if (others.empty()) {
    if (forms.gradientAtom()) {
      motion.drive = ParameterMotion::Drive::Gradient;
      motion.linear = numbers(nullptr, 1, true);
      motion.linearIsExact = motion.linear && isConstant();
    }
  } else {
    direction = others.front();
    if (const Program::Step *step = forms.stepOf(*direction))
      motion.directionOp = step->op;
    findNormalization();
    if (motion.drive == ParameterMotion::Drive::Unknown) {
      inner.clear();
      findSign();
    }
    std::optional<UpdateNumber> factor = (*next)[*direction].times(directionScale);
    std::optional<double> size = factor ? forms.evaluate(*factor) : std::nullopt;
    if (size && outer.empty())
      motion.stepSize = std::abs(*size);
  }
  if (motion.buffers.empty())
    for (unsigned state : llvm::concat<unsigned>(outer, inner))
      if (!llvm::is_contained(motion.buffers, state))
        motion.buffers.push_back(state);
  findDecay();
  findKeys();
  if (!values.empty())
    findValues(values);
  return motion;
}

llvm::MapVector<unsigned, ParameterMotion>
noether::findMotions(const UpdateGraph &graph, const llvm::StringMap<double> &given,
                     const EntryValues &values) {
  llvm::MapVector<unsigned, ParameterMotion> result;
  const StepRoles &roles = graph.roles;
  UpdateForms::GivenNumbers numbers;
  for (const auto &entry : given) {
    std::string key = ("['" + entry.getKey() + "']").str(), field = ("." + entry.getKey()).str();
    for (auto [argument, info] : llvm::enumerate(roles.arguments)) {
      StringRef name = info.name;
      if (name == entry.getKey() || name.ends_with(key) || name.ends_with(field))
        numbers[argument] = entry.getValue();
    }
  }
  for (auto [argument, info] : llvm::enumerate(roles.arguments)) {
    if (info.role != ArgumentRole::Param)
      continue;
    UpdateForms forms(graph, argument, numbers);
    if (forms.isValid())
      result.insert({argument, MotionBuilder(graph, forms, argument).build(values)});
  }
  return result;
}
