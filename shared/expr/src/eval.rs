//! Walks the tree. Null-safe: selecting from nothing is nothing. Counted: every step is paid for before it is taken.

use std::{borrow::Cow, collections::BTreeMap, rc::Rc};

use serde_json::Value;

use crate::{
    error::{EvalCause, Fault},
    limits::{MAX_BUILT_BYTES, MAX_WORK},
    node::{Binary, Each, Kind, Macro, Node},
    operators::{self, ELEMENT_BYTES},
    scope::{Lookup, Scope, is_offloaded},
    value::{Key, Text, Val, mismatch},
};

/// What is left of the bounds of one evaluation or rendering.
#[derive(Debug)]
pub(crate) struct Budget {
    work: usize,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { work: MAX_WORK, bytes: MAX_BUILT_BYTES }
    }

    pub(crate) fn work(&mut self, steps: usize) -> Result<(), EvalCause> {
        self.work = self.work.checked_sub(steps).ok_or(EvalCause::TooMuchWork)?;
        Ok(())
    }

    /// Before going through so many bytes of text.
    pub(crate) fn look_at(&mut self, bytes: usize) -> Result<(), EvalCause> {
        self.work(bytes / 16)
    }

    /// Before making so many bytes.
    pub(crate) fn built(&mut self, bytes: usize) -> Result<(), EvalCause> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(EvalCause::TooLarge)?;
        Ok(())
    }
}

/// One evaluation. Values live as long as the expression and the scope, which are borrowed for `'a`.
pub(crate) struct Evaluation<'a, 'b> {
    pub(crate) scope: &'a dyn Scope,
    pub(crate) budget: &'b mut Budget,
    /// The variables of the macros around, outermost first.
    locals: Vec<Val<'a>>,
}

impl<'a, 'b> Evaluation<'a, 'b> {
    pub(crate) fn new(scope: &'a dyn Scope, budget: &'b mut Budget) -> Self {
        Self { scope, budget, locals: vec![] }
    }

    pub(crate) fn value(&mut self, node: &'a Node) -> Result<Val<'a>, Fault> {
        self.budget.work(1).map_err(Fault::at(node.at))?;
        match &node.kind {
            Kind::Literal(literal) => Ok(Val::literal(literal)),
            Kind::Local(slot) => Ok(self.locals.get(*slot).cloned().unwrap_or(Val::Null)),
            Kind::Read { .. } | Kind::Index(..) => Ok(self.find(node)?.unwrap_or(Val::Null)),
            Kind::Has(inner) => Ok(Val::Bool(self.find(inner)?.is_some())),
            Kind::List(nodes) => self.list(node.at, nodes),
            Kind::Map(entries) => self.map(node.at, entries),
            Kind::Not(inner) => match self.value(inner)? {
                Val::Bool(value) => Ok(Val::Bool(!value)),
                other => Err(Fault::at(node.at)(mismatch("!", &[&other]))),
            },
            Kind::Negate(inner) => operators::negate(&self.value(inner)?).map_err(Fault::at(node.at)),
            Kind::And(left, right) => self.decide(node.at, false, left, right),
            Kind::Or(left, right) => self.decide(node.at, true, left, right),
            Kind::Choice(nodes) => self.choice(node.at, nodes),
            Kind::Binary(operator, left, right) => self.binary(node.at, *operator, left, right),
            Kind::Call(function, nodes) => match nodes.as_slice() {
                [one] => function.call(&[self.value(one)?], self.budget).map_err(Fault::at(node.at)),
                nodes => {
                    let arguments = nodes.iter().map(|node| self.value(node)).collect::<Result<Vec<_>, _>>()?;
                    function.call(&arguments, self.budget).map_err(Fault::at(node.at))
                }
            },
            Kind::Matches(text, pattern) => match self.value(text)? {
                Val::Text(text) => {
                    self.budget.work(text.len().saturating_mul(pattern.steps_per_byte)).map_err(Fault::at(node.at))?;
                    Ok(Val::Bool(pattern.regex.is_match(&text)))
                }
                other => Err(Fault::at(node.at)(mismatch("matches", &[&other]))),
            },
            Kind::Coalesce(nodes) => {
                for node in nodes {
                    let value = self.value(node)?;
                    if !matches!(value, Val::Null) {
                        return Ok(value);
                    }
                }
                Ok(Val::Null)
            }
            Kind::Each(each) => self.each(node.at, each),
        }
    }

    /// What a selection leads to; nothing if it leads nowhere.
    fn find(&mut self, node: &'a Node) -> Result<Option<Val<'a>>, Fault> {
        match &node.kind {
            Kind::Read { path, keys } if keys.is_empty() => self.read(path).map_err(Fault::at(node.at)),
            Kind::Read { path, keys } => self.read_on(node.at, path, keys),
            Kind::Index(base, key) => {
                let base = self.value(base)?;
                let key = self.value(key)?;
                base.member(&key, self.budget).map_err(Fault::at(node.at))
            }
            _ => self.value(node).map(Some),
        }
    }

    fn read(&mut self, path: &[String]) -> Result<Option<Val<'a>>, EvalCause> {
        let (mut depth, found) = match self.scope.lookup(path) {
            Lookup::Absent => return Ok(None),
            Lookup::Found { depth, value: Cow::Borrowed(value) } => match descend(value, path, depth)? {
                None => return Ok(None),
                Some(value) => return Ok(Some(Val::of(value))),
            },
            Lookup::Found { depth, value: Cow::Owned(value) } => (depth, Val::owned(value, self.budget)?),
        };
        let mut found = Some(found);
        while let (Some(value), Some(name)) = (&found, path.get(depth)) {
            let name = Val::text(name.as_str());
            found = value.member(&name, self.budget).map_err(|cause| named(cause, path, depth))?;
            depth += 1;
        }
        Ok(found)
    }

    /// A path with keys that are only known now: texts make it longer, and the scope is asked for no more than that.
    fn read_on(&mut self, at: usize, path: &[String], keys: &'a [Node]) -> Result<Option<Val<'a>>, Fault> {
        let mut path = Cow::Borrowed(path);
        let mut keys = keys.iter();
        let mut found = None;
        for key in keys.by_ref() {
            let key = self.value(key)?;
            if let Val::Text(name) = &key {
                self.budget.built(name.len()).map_err(Fault::at(at))?;
                path.to_mut().push((**name).to_owned());
                continue;
            }
            let base = self.read(&path).map_err(Fault::at(at))?.unwrap_or(Val::Null);
            found =
                Some(base.member(&key, self.budget).map_err(|cause| Fault::at(at)(named(cause, &path, path.len())))?);
            break;
        }
        let Some(mut found) = found else { return self.read(&path).map_err(Fault::at(at)) };
        for key in keys {
            let key = self.value(key)?;
            found = found.unwrap_or(Val::Null).member(&key, self.budget).map_err(Fault::at(at))?;
        }
        Ok(found)
    }

    fn list(&mut self, at: usize, nodes: &'a [Node]) -> Result<Val<'a>, Fault> {
        self.budget.built(nodes.len() * ELEMENT_BYTES).map_err(Fault::at(at))?;
        let elements = nodes.iter().map(|node| self.value(node)).collect::<Result<_, _>>()?;
        Ok(Val::List(Rc::new(elements)))
    }

    fn map(&mut self, at: usize, entries: &'a [(Node, Node)]) -> Result<Val<'a>, Fault> {
        self.budget.built(2 * entries.len() * ELEMENT_BYTES).map_err(Fault::at(at))?;
        let mut map: BTreeMap<Key<'a>, Val<'a>> = BTreeMap::new();
        for (key_node, node) in entries {
            let key = self.value(key_node)?;
            let Some(key) = key.key().filter(|_| !matches!(key, Val::Double(_))) else {
                return Err(Fault::at(key_node.at)(mismatch("{key: value}", &[&key])));
            };
            let value = self.value(node)?;
            if map.contains_key(&key) {
                return Err(Fault::at(key_node.at)(EvalCause::DuplicateKey(
                    key.to_string().chars().take(64).collect(),
                )));
            }
            map.insert(key, value);
        }
        Ok(Val::Map(Rc::new(map)))
    }

    fn binary(&mut self, at: usize, operator: Binary, left: &'a Node, right: &'a Node) -> Result<Val<'a>, Fault> {
        let left = self.value(left)?;
        let right = self.value(right)?;
        operators::binary(operator, &left, &right, self.budget).map_err(Fault::at(at))
    }

    fn choice(&mut self, at: usize, [condition, yes, no]: &'a [Node; 3]) -> Result<Val<'a>, Fault> {
        match self.value(condition)? {
            Val::Bool(true) => self.value(yes),
            Val::Bool(false) => self.value(no),
            other => Err(Fault::at(at)(mismatch("?:", &[&other]))),
        }
    }

    fn truth(&mut self, at: usize, operation: &'static str, node: &'a Node) -> Result<bool, Fault> {
        match self.value(node)? {
            Val::Bool(value) => Ok(value),
            other => Err(Fault::at(at)(mismatch(operation, &[&other]))),
        }
    }

    /// `||` (decided by true) and `&&` (by false): either side may decide, and then a fault of the other is no matter.
    fn decide(&mut self, at: usize, by: bool, left: &'a Node, right: &'a Node) -> Result<Val<'a>, Fault> {
        let operation = if by { "||" } else { "&&" };
        let first = match self.truth(at, operation, left) {
            Ok(value) if value == by => return Ok(Val::Bool(by)),
            Err(fault) if !fault.0.1.may_be_overlooked() => return Err(fault),
            first => first,
        };
        match self.truth(at, operation, right) {
            Ok(value) if value == by => Ok(Val::Bool(by)),
            Err(fault) if !fault.0.1.may_be_overlooked() => Err(fault),
            second => first.and(second).map(Val::Bool),
        }
    }

    fn each(&mut self, at: usize, each: &'a Each) -> Result<Val<'a>, Fault> {
        let over = self.value(&each.over)?;
        over.pay_for_order(self.budget).map_err(Fault::at(at))?;
        let Some(elements) = over.elements() else {
            return Err(Fault::at(at)(mismatch(each.what.name(), &[&over])));
        };
        let outer = self.locals.len();
        let result = match each.what {
            Macro::All => self.any(at, each, elements, false),
            Macro::Exists => self.any(at, each, elements, true),
            Macro::ExistsOne => self.exactly_one(at, each, elements),
            Macro::Filter | Macro::Map => self.collect(at, each, elements),
        };
        self.locals.truncate(outer);
        result
    }

    fn bind(&mut self, at: usize, each: &Each, element: Val<'a>) -> Result<(), Fault> {
        self.budget.work(1).map_err(Fault::at(at))?;
        self.locals.truncate(each.slot);
        self.locals.push(element);
        Ok(())
    }

    /// `exists` (decided by true) and `all` (by false), which overlook faults as `||` and `&&` do.
    fn any(
        &mut self,
        at: usize,
        each: &'a Each,
        elements: impl Iterator<Item = Val<'a>>,
        by: bool,
    ) -> Result<Val<'a>, Fault> {
        let mut undecided = Ok(Val::Bool(!by));
        for element in elements {
            self.bind(at, each, element)?;
            match self.passes(at, each) {
                Ok(value) if value == by => return Ok(Val::Bool(by)),
                Ok(_) => {}
                Err(fault) if fault.0.1.may_be_overlooked() => undecided = undecided.and(Err(fault)),
                Err(fault) => return Err(fault),
            }
        }
        undecided
    }

    fn exactly_one(
        &mut self,
        at: usize,
        each: &'a Each,
        elements: impl Iterator<Item = Val<'a>>,
    ) -> Result<Val<'a>, Fault> {
        let mut passed = 0_usize;
        for element in elements {
            self.bind(at, each, element)?;
            passed += usize::from(self.passes(at, each)?);
        }
        Ok(Val::Bool(passed == 1))
    }

    fn collect(
        &mut self,
        at: usize,
        each: &'a Each,
        elements: impl Iterator<Item = Val<'a>>,
    ) -> Result<Val<'a>, Fault> {
        let mut collected = vec![];
        for element in elements {
            self.bind(at, each, element.clone())?;
            if self.passes(at, each)? {
                self.budget.built(ELEMENT_BYTES).map_err(Fault::at(at))?;
                collected.push(match &each.make {
                    Some(make) => self.value(make)?,
                    None => element,
                });
            }
        }
        Ok(Val::List(Rc::new(collected)))
    }

    fn passes(&mut self, at: usize, each: &'a Each) -> Result<bool, Fault> {
        each.test.as_ref().map_or(Ok(true), |test| self.truth(at, each.what.name(), test))
    }
}

/// What `path` selects inside of `value`, which is the value of its first `depth` names.
pub(crate) fn descend<'v>(value: &'v Value, path: &[String], depth: usize) -> Result<Option<&'v Value>, EvalCause> {
    let mut value = value;
    for (at, name) in path.iter().enumerate().skip(depth) {
        value = match value {
            Value::Null => return Ok(None),
            Value::Object(object) if !is_offloaded(object) => match object.get(name) {
                Some(inner) => inner,
                None => return Ok(None),
            },
            other => {
                let cause = mismatch(".", &[&Val::of(other), &Val::Text(Text::Borrowed(name))]);
                return Err(named(cause, path, at));
            }
        };
    }
    Ok(Some(value))
}

/// The cause, with the first `depth` names of the path for the value that it is about.
fn named(cause: EvalCause, path: &[String], depth: usize) -> EvalCause {
    let place = || format!("`{}`", path[..depth.min(path.len())].join("."));
    match cause {
        EvalCause::Offloaded(_) => EvalCause::Offloaded(place()),
        EvalCause::Types { operation: "." | "[]", operands } => {
            let kind = operands.split(" and ").next().unwrap_or_default();
            EvalCause::NoMembers { place: place(), kind: kind.to_owned() }
        }
        other => other,
    }
}

/// The path, if the whole expression is nothing else.
pub(crate) fn static_path(node: &Node) -> Option<&[String]> {
    match &node.kind {
        Kind::Read { path, keys } if keys.is_empty() => Some(path),
        _ => None,
    }
}
